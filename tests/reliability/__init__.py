"""What must hold under faults, load and hostile input. Figures stand in docs/reliability.md."""
