"""Multiple and conditional-mean imputation under MAR and reference-based strategies: draws → impute → analyse → pool."""
