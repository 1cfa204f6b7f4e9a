"""`dormouse simulate`: what each idle policy would have made of traffic that is known."""
