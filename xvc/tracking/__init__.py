"""What training code holds: the Tracker."""
