"""What makes jobs: Install, Start, Stop and the like."""
