# Reference values of the responder analyses: Rscript tests/reference/responders.R > tests/reference/responders.json
# Base R, sandwich, brglm2, ordinal, coin, epiR, jsonlite. The restricted maximum likelihood estimates of Miettinen and Nurminen are found by
# numerical maximisation, not by the closed form.
suppressMessages({ library(jsonlite); library(sandwich); library(brglm2); library(ordinal); library(coin); library(epiR) })
out <- list(versions = as.list(sapply(c("base", "sandwich", "brglm2", "ordinal", "coin", "epiR"), function(p) as.character(packageVersion(p)))))
here <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)); here <- dirname(here)

# --- Miettinen-Nurminen: profile likelihood over p2, then the root of the score statistic ---------------------------------------
restricted <- function(x1, n1, x2, n2, d) {
  lo <- max(0, -d); hi <- min(1, 1 - d)
  score <- function(p) { p1 <- p + d; x1 / p1 - (n1 - x1) / (1 - p1) + x2 / p - (n2 - x2) / (1 - p) }
  e <- 1e-15 * (1 + abs(d)); a <- lo + e; b <- hi - e
  # 0 events: the terms x/p vanish and the maximum may lie on the boundary
  if (x1 + x2 == 0 || score(a) <= 0) return(lo)
  if (score(b) >= 0) return(hi)
  uniroot(score, c(a, b), tol = 1e-16, maxiter = 2000)$root
}
mn <- function(x1, n1, x2, n2, level = 0.95, correction = TRUE) {
  w <- n1 * n2 / (n1 + n2); w <- w / sum(w); est <- sum(w * (x1 / n1 - x2 / n2)); z <- qnorm(1 - (1 - level) / 2)
  v <- function(d) sum(sapply(seq_along(x1), function(h) {
    p2 <- restricted(x1[h], n1[h], x2[h], n2[h], d); p1 <- p2 + d; N <- n1[h] + n2[h]
    w[h]^2 * (p1 * (1 - p1) / n1[h] + p2 * (1 - p2) / n2[h]) * (if (correction) N / (N - 1) else 1)
  }))
  f <- function(d) abs(est - d) - z * sqrt(max(0, v(d)))
  limit <- function(end) { s <- est + sign(end) * 1e-9; if (abs(s) >= 1) end else uniroot(f, sort(c(s, end)), tol = 1e-15, maxiter = 2000)$root }
  list(estimate = est, low = limit(-1), high = limit(1), statistic = if (est == 0) 0 else est / sqrt(v(0)))
}
set.seed(20240611)
out$plain <- lapply(1:60, function(i) {
  n1 <- sample(4:120, 1); n2 <- sample(4:120, 1); x1 <- rbinom(1, n1, runif(1)); x2 <- rbinom(1, n2, runif(1))
  if (i <= 4) { x1 <- c(0, n1, 0, n1)[i]; x2 <- c(0, n2, n2, 0)[i] }
  c(list(x1 = x1, n1 = n1, x2 = x2, n2 = n2), mn(x1, n1, x2, n2), mee = list(mn(x1, n1, x2, n2, correction = FALSE)))
})
out$strata <- lapply(1:25, function(i) {
  k <- sample(2:6, 1); n1 <- sample(3:60, k, TRUE); n2 <- sample(3:60, k, TRUE)
  p <- runif(k); x1 <- rbinom(k, n1, p); x2 <- rbinom(k, n2, p * runif(1, .4, 1))
  a <- array(rbind(x1, x2, n1 - x1, n2 - x2), c(2, 2, k)) # group by outcome by stratum
  m <- mantelhaen.test(a, correct = FALSE); mc <- mantelhaen.test(a, correct = TRUE)
  e <- suppressWarnings(epi.2by2(a, method = "cohort.count", units = 1))
  sato <- tryCatch(unlist(e$massoc.detail$ARisk.mh.sato), error = function(err) NULL)
  c(list(x1 = x1, n1 = n1, x2 = x2, n2 = n2), mn(x1, n1, x2, n2),
    list(chisq = unname(m$statistic), p = m$p.value, chisq_cc = unname(mc$statistic), or = unname(m$estimate), or_ci = as.numeric(m$conf.int), sato = unname(sato)))
})

# --- logistic regression, g-computation with the delta method by hand -----------------------------------------------------------
d <- read.csv(file.path(here, "irls_parallel.csv"))
d <- d[d$AVISIT == "W4" & d$TRT %in% c("SHAM", "NIR-H") & !is.na(d$CHG), ]
d$TRT <- factor(d$TRT, c("SHAM", "NIR-H")); d$Y <- as.integer(d$CHG <= -5)
fit <- glm(Y ~ TRT + BASE + REGION, binomial, d, control = list(epsilon = 1e-14, maxit = 100))
at <- function(a) { x <- d; x$TRT <- factor(a, levels(d$TRT)); model.matrix(delete.response(terms(fit)), x) }
X1 <- at("NIR-H"); X0 <- at("SHAM"); p1 <- plogis(drop(X1 %*% coef(fit))); p0 <- plogis(drop(X0 %*% coef(fit)))
grad <- colMeans(p1 * (1 - p1) * X1) - colMeans(p0 * (1 - p0) * X0)
ge <- function(V) sqrt(drop(t(grad) %*% V %*% grad))
t1 <- d$TRT == "NIR-H"; n <- nrow(d); y <- d$Y
v11 <- var(y[t1] - p1[t1]) / mean(t1) + 2 * cov(y[t1], p1[t1]) - var(p1)
v00 <- var(y[!t1] - p0[!t1]) / mean(!t1) + 2 * cov(y[!t1], p0[!t1]) - var(p0)
v10 <- cov(y[t1], p0[t1]) + cov(y[!t1], p1[!t1]) - cov(p1, p0)
out$logistic <- list(n = n, events = sum(y), coef = as.list(coef(fit)), se = as.list(sqrt(diag(vcov(fit)))), loglik = as.numeric(logLik(fit)),
  p1 = mean(p1), p0 = mean(p0), rd = mean(p1) - mean(p0), ge = ge(vcov(fit)), ge_hc0 = ge(vcovHC(fit, type = "HC0")), ye = sqrt((v11 + v00 - 2 * v10) / n))

# --- Firth: brglm2 (mean bias reduction is Firth's penalty for the logit), and its profile interval by direct maximisation ------
firth <- function(y, X) {
  b <- glm(y ~ X - 1, family = binomial, method = "brglmFit", type = "AS_mean", control = list(epsilon = 1e-14, maxit = 1000))
  pl <- function(beta) { e <- drop(X %*% beta); p <- plogis(e); sum(y * e - log1p(exp(e))) + as.numeric(determinant(t(X) %*% (p * (1 - p) * X))$modulus) / 2 }
  top <- pl(coef(b))
  prof <- function(j, v) { f <- function(o) { beta <- numeric(ncol(X)); beta[j] <- v; beta[-j] <- o; -pl(beta) }
    s <- unname(coef(b)[-j]); r <- list(par = s)
    for (i in 1:6) r <- optim(r$par, f, method = "BFGS", control = list(reltol = 1e-16, maxit = 2000)); -r$value }
  j <- 2; se <- sqrt(diag(vcov(b)))[j]; g <- function(v) 2 * (top - prof(j, v)) - qchisq(.95, 1)
  est <- unname(coef(b)[j])
  list(coef = unname(coef(b)), se = unname(sqrt(diag(vcov(b)))), loglik = top, lrt = 2 * (top - prof(j, 0)),
       low = uniroot(g, c(est - 20 * se, est), tol = 1e-9)$root, high = uniroot(g, c(est, est + 20 * se), tol = 1e-9)$root)
}
out$firth_5_0 <- firth(c(rep(1, 5), rep(0, 35), rep(0, 40)), cbind(1, rep(1:0, each = 40)))
e <- d[order(d$BASE), ][1:60, ]; e$Y <- as.integer(e$CHG <= -4 & e$TRT == "NIR-H") # no events in the reference arm
out$firth_adjusted <- c(firth(e$Y, cbind(1, as.integer(e$TRT == "NIR-H"), e$BASE - 20, as.integer(e$REGION == "AP"))),
  list(y = e$Y, trt = as.integer(e$TRT == "NIR-H"), base = e$BASE - 20, ap = as.integer(e$REGION == "AP")))
# --- ordered categories ---------------------------------------------------------------------------------------------------------
tight <- clm.control(gradTol = 1e-11, maxIter = 500L)
m <- clm(rating ~ temp + contact, data = wine, control = tight); v <- summary(m)$coefficients
free <- function(nominal, rest) as.numeric(logLik(clm(rest, nominal = nominal, data = wine)))
out$wine <- list(theta = unname(m$alpha), beta = unname(m$beta), se = unname(v[c("tempwarm", "contactyes"), "Std. Error"]), loglik = as.numeric(logLik(m)),
  lrt_contact = 2 * (free(~ contact, rating ~ temp) - as.numeric(logLik(m))), lrt_temp = 2 * (free(~ temp, rating ~ contact) - as.numeric(logLik(m))))
job <- cmh_test(jobsatisfaction, scores = list(Job.Satisfaction = 1:4))
out$job <- list(chisq = unname(statistic(job)), p = as.numeric(pvalue(job)))
cat(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = FALSE))
