"""Speed, memory and agreement of the mixed models against statsmodels and R."""
