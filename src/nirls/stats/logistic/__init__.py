"""Logistic regression beyond the maximum likelihood fit: separation, Firth's penalty, standardised risks."""
