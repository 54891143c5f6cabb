# Reference values of instrumental-variable and cosinor estimates, computed in R from irls_parallel.csv and from data made here.
# run:  Rscript causal.R     needs: AER, lme4, lmerTest, pbkrtest, jsonlite
suppressWarnings(suppressMessages({ library(AER); library(lme4); library(lmerTest); library(pbkrtest); library(jsonlite) }))
version <- function(p) as.character(packageVersion(p))
res <- list(versions = c(list(R = as.character(getRversion())), lapply(setNames(nm = c("AER", "lme4", "lmerTest", "pbkrtest")), version)))

# ---- two-stage least squares: delivered dose is the exposure, the arm its instrument ------------------------------------------------
d <- read.csv("irls_parallel.csv"); d <- d[d$AVISIT == "W4" & d$TRT %in% c("SHAM", "NIR-H") & !is.na(d$CHG), ]
d$NO <- as.integer(substr(d$USUBJID, 2, 4)); d$Z <- as.numeric(d$TRT == "NIR-H")
d$DOSE <- d$Z * (300 + (d$NO * 37) %% 350)                      # J/cm2, by a rule that does not know the outcome
one <- function(m) { z <- summary(m, diagnostics = TRUE); k <- "DOSE"
  list(estimate = unname(coef(m)[k]), se = z$coefficients[k, 2], df = m$df.residual, p = z$coefficients[k, 4],
       first_f = z$diagnostics["Weak instruments", "statistic"]) }
res$iv <- one(ivreg(CHG ~ DOSE + BASE + REGION | Z + BASE + REGION, data = d))
weak <- transform(d, DOSE = 100 * sin(NO) + 8 * Z)
res$weak <- one(ivreg(CHG ~ DOSE + BASE | Z + BASE, data = weak))
ar <- function(data, f) function(b) { data$R <- data$CHG - b * data$DOSE; summary(lm(f, data))$coefficients["Z", 4] }
edge <- function(p, from, to) uniroot(function(b) p(b) - 0.05, c(from, to), tol = 1e-14)$root
p <- ar(d, R ~ Z + BASE + REGION); b <- res$iv$estimate; w <- 6 * res$iv$se
res$iv$ar <- c(edge(p, b - w, b), edge(p, b, b + w)); res$iv$ar_p0 <- p(0)
p <- ar(weak, R ~ Z + BASE); res$weak$ar_p <- sapply(c(-5, -1, 0, 1, 5, 50), p)

# ---- cosinor with a random intercept of each subject ----------------------------------------------------------------------------------
set.seed(20)
n <- 24; hours <- c(8, 12, 16, 20, 23)
c0 <- expand.grid(HOUR = hours, DAY = 1:3, ID = sprintf("C%02d", 1:n)); c0$ARM <- ifelse(as.integer(substr(c0$ID, 2, 3)) %% 2 == 0, "NIR", "SHAM")
c0$HOUR <- c0$HOUR + round(runif(nrow(c0), -1, 1), 2)
c0$Y <- round(4 + rep(rnorm(n), each = 15) + ifelse(c0$ARM == "NIR", 1.2, 2.1) * cos(2 * pi * (c0$HOUR - 22) / 24) - (c0$ARM == "NIR") + rnorm(nrow(c0), 0, 1.1), 2)
c0 <- c0[runif(nrow(c0)) > 0.1, ]
write.csv(c0[, c("ID", "ARM", "DAY", "HOUR", "Y")], "cosinor.csv", row.names = FALSE, quote = FALSE)
c0 <- read.csv("cosinor.csv"); c0$ARM <- factor(c0$ARM, c("SHAM", "NIR")); c0$C <- cos(2 * pi * c0$HOUR / 24); c0$S <- sin(2 * pi * c0$HOUR / 24)
m <- lmer(Y ~ ARM * (C + S) + (1 | ID), c0, control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e6)))
k <- length(fixef(m)); L <- function(...) { M <- matrix(0, length(list(...)), k, dimnames = list(NULL, names(fixef(m)))); r <- 0
  for (v in list(...)) { r <- r + 1; M[r, v] <- 1 }; M }
test <- function(M) { z <- KRmodcomp(m, M)$stats; list(num_df = z$ndf, den_df = z$ddf, F = z$Fstat, p = z$p.value) }
res$cosinor <- list(coef = as.list(fixef(m)), deviance = REMLcrit(m),
  vcov = unname(as.matrix(vcov(m))), names = I(names(fixef(m))),
  sham = test(L("C", "S")), nir = test(L(c("C", "ARMNIR:C"), c("S", "ARMNIR:S"))), differ = test(L("ARMNIR:C", "ARMNIR:S")))
write(toJSON(res, digits = I(15), auto_unbox = TRUE, pretty = TRUE), "causal.json")
