# Group-sequential boundaries of sequential.json: R 4.2.2, rpact 3.3.4 (getDesignGroupSequential), and, as rpact stops its search near
# 1e-10, the same boundaries from multivariate normal probabilities (mvtnorm, TVPACK and Miwa algorithms) for two and three looks.
# Run in this folder: Rscript sequential.R
suppressMessages({library(rpact); library(mvtnorm); library(jsonlite)})
designs <- list(
  list(kind = "obrien-fleming", sides = 1, alpha = 0.025, fractions = c(0.5, 1)),
  list(kind = "obrien-fleming", sides = 1, alpha = 0.025, fractions = c(1, 2, 3) / 3),
  list(kind = "obrien-fleming", sides = 1, alpha = 0.025, fractions = c(0.7, 1)),
  list(kind = "obrien-fleming", sides = 1, alpha = 0.05, fractions = (1:5) / 5),
  list(kind = "obrien-fleming", sides = 2, alpha = 0.05, fractions = c(0.5, 1)),
  list(kind = "obrien-fleming", sides = 2, alpha = 0.05, fractions = (1:4) / 4),
  list(kind = "pocock", sides = 1, alpha = 0.025, fractions = c(0.5, 1)),
  list(kind = "pocock", sides = 1, alpha = 0.0125, fractions = c(0.2, 0.35, 0.8, 1)),
  list(kind = "pocock", sides = 2, alpha = 0.05, fractions = c(1, 2, 3) / 3),
  list(kind = "pocock", sides = 2, alpha = 0.1, fractions = (1:6) / 6),
  list(kind = "pocock", sides = 1, alpha = 0.025, fractions = c(0.5, 0.52, 1)))
types <- c("obrien-fleming" = "asOF", "pocock" = "asP")
spend <- function(d) {
  a <- d$alpha / d$sides
  one <- if (d$kind == "pocock") a * log(1 + (exp(1) - 1) * d$fractions) else 2 * pnorm(qnorm(1 - a / 2) / sqrt(d$fractions), lower.tail = FALSE)
  d$sides * one
}
stay <- function(d, b, drift = 0) {
  k <- length(b)
  t <- d$fractions[1:k]
  upper <- b - drift * sqrt(t)
  lower <- if (d$sides == 2) -b - drift * sqrt(t) else rep(-Inf, k)
  if (k == 1) return(pnorm(upper) - pnorm(lower))
  algorithm <- if (d$sides == 1) TVPACK(abseps = 1e-15) else Miwa(steps = 4097)
  pmvnorm(lower, upper, corr = sqrt(outer(t, t, pmin) / outer(t, t, pmax)), algorithm = algorithm)[1]
}
by_mvtnorm <- function(d) {
  spent <- spend(d)
  b <- c()
  for (k in seq_along(d$fractions)) {
    b <- c(b, uniroot(function(x) stay(d, c(b, x)) - (1 - spent[k]), c(0, 10), tol = 1e-14)$root)
  }
  b
}
cases <- lapply(designs, function(d) {
  r <- getDesignGroupSequential(kMax = length(d$fractions), informationRates = d$fractions, alpha = d$alpha, sided = d$sides,
                                typeOfDesign = types[[d$kind]], tolerance = 1e-10)
  out <- c(d, list(critical = r$criticalValues, spent = r$alphaSpent, stage_levels = r$stageLevels))
  if (length(d$fractions) <= 3) {
    out$critical_mvtnorm <- by_mvtnorm(d)
    out$power_mvtnorm <- 1 - stay(d, out$critical_mvtnorm, drift = 3)
  }
  # crossing probabilities under drift E(Z at information 1) = 3, by rpact's recursion
  p <- getPowerMeans(r, groups = 1, normalApproximation = TRUE, alternative = 0.3, stDev = 1, maxNumberOfSubjects = 100, thetaH0 = 0)
  out$drift <- 3
  out$reject_per_stage <- as.vector(p$rejectPerStage)
  out
})
writeLines(toJSON(list(r = R.version.string, rpact = as.character(packageVersion("rpact")), mvtnorm = as.character(packageVersion("mvtnorm")),
                       cases = cases), digits = NA, auto_unbox = TRUE, pretty = TRUE), "sequential.json")
