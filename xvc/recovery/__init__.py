"""What a kill has left: completed or given up by whoever comes next; taking operations back."""
