# A line with a bend at week 12 and random intercept, slope and change of slope: lme4 + pbkrtest on data made here.
# Rscript reference_slopes.R   (writes irls_bend.csv and slopes_bend.json beside it)
suppressMessages({library(lme4); library(pbkrtest); library(jsonlite)})
RNGversion("4.0.0"); set.seed(20261127)
n <- 60; weeks <- c(4, 6, 8, 10, 12, 13, 14, 15, 16, 18, 20)
d <- expand.grid(WEEK0 = weeks, ID = seq_len(n))
d$USUBJID <- sprintf("B%02d", d$ID); d$TRT <- c("SHAM", "NIR", "DRUG")[(d$ID %% 3) + 1]
d$WEEK <- round(d$WEEK0 + runif(nrow(d), -.3, .3), 4)
b <- cbind(rnorm(n, 0, 4), rnorm(n, 0, .25), rnorm(n, 0, .5)); base <- round(rnorm(n, 25, 4))
bend <- pmax(d$WEEK - 12, 0)
mean0 <- 18 + .6 * (base[d$ID] - 25) - 4 * (d$TRT != "SHAM") + c(DRUG = .15, NIR = .02, SHAM = 0)[d$TRT] * d$WEEK + c(DRUG = .9, NIR = .5, SHAM = .1)[d$TRT] * bend
d$IRLS <- round(mean0 + b[d$ID, 1] + b[d$ID, 2] * d$WEEK + b[d$ID, 3] * bend + rnorm(nrow(d), 0, 2), 1)
d$BASE <- base[d$ID]; d <- d[runif(nrow(d)) > .12, c("USUBJID", "TRT", "BASE", "WEEK", "IRLS")]
write.csv(d, "irls_bend.csv", row.names = FALSE, quote = FALSE)
d <- read.csv("irls_bend.csv"); d$TRT <- factor(d$TRT, c("SHAM", "NIR", "DRUG")); d$BEND <- pmax(d$WEEK - 12, 0)
m <- lmer(IRLS ~ BASE + TRT * (WEEK + BEND) + (WEEK + BEND | USUBJID), d, control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e6)))
names(fixef(m))
x <- names(fixef(m)); z <- setNames(numeric(length(x)), x)
row <- function(...) { v <- z; w <- c(...); v[names(w)] <- w; v }
rows <- list(
  sham_before = row(WEEK = 1), nir_before = row(WEEK = 1, "TRTNIR:WEEK" = 1), nir_after = row(WEEK = 1, BEND = 1, "TRTNIR:WEEK" = 1, "TRTNIR:BEND" = 1),
  nir_change = row(BEND = 1, "TRTNIR:BEND" = 1), difference_before = row("TRTNIR:WEEK" = 1), difference_after = row("TRTNIR:WEEK" = 1, "TRTNIR:BEND" = 1),
  pooled_before = row("TRTNIR:WEEK" = .5, "TRTDRUG:WEEK" = .5),
  nir_level_16 = row("(Intercept)" = 1, BASE = mean(d$BASE), TRTNIR = 1, WEEK = 16, BEND = 4, "TRTNIR:WEEK" = 16, "TRTNIR:BEND" = 4))
V <- vcovAdj(m); V0 <- vcov(m)
kr <- lapply(rows, function(l) { df <- Lb_ddf(l, V0, V); list(estimate = sum(l * fixef(m)), se = sqrt(drop(t(l) %*% as.matrix(V) %*% l)), df = df) })
write_json(list(versions = list(R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4")), pbkrtest = as.character(packageVersion("pbkrtest"))),
  REMLcrit = REMLcrit(m), G = matrix(VarCorr(m)$USUBJID, 3), sigma = sigma(m), rows = kr), "slopes_bend.json", auto_unbox = TRUE, digits = 15, pretty = TRUE)
