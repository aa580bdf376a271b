"""What is shown of claims: in the terminal, as tables, figures and a page."""
