"""DVC: its pointers, its configuration, its cache and its remotes. The only door to DVC."""
