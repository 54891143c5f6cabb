# Reference values of meta-analysis (metafor) and of single-case designs (the published formulas, base R and nlme).
# run:  Rscript evidence.R     needs: metafor, nlme, jsonlite
suppressMessages({library(metafor); library(nlme); library(jsonlite)})

# --- meta-analysis -----------------------------------------------------------------------------
bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
tight <- list(threshold = 1e-13, maxiter = 10000)
one <- function(y, s) {
  v <- s^2; k <- length(y)
  fit <- lapply(c(REML = "REML", DL = "DL", PM = "PM", ML = "ML"), function(m) rma(y, v, method = m, control = c(tight, tol = 1e-12)))
  shown <- lapply(fit, function(f) list(tau2 = f$tau2, estimate = f$beta[1], se = f$se, ci = c(f$ci.lb, f$ci.ub), I2 = f$I2, weights = unname(weights(f))))
  f <- fit$REML; hk <- rma(y, v, tau2 = f$tau2, test = "knha"); common <- rma(y, v, method = "FE")
  ad <- rma(y, v, tau2 = f$tau2, test = "adhoc")
  out <- list(y = y, se = s, fits = shown, hk = list(se = hk$se, ci = c(hk$ci.lb, hk$ci.ub), p = hk$pval),
    adhoc = list(se = ad$se, ci = c(ad$ci.lb, ad$ci.ub)),
    common = list(estimate = common$beta[1], se = common$se, ci = c(common$ci.lb, common$ci.ub)),
    Q = common$QE, Qp = common$QEp, I2_Q = max(0, 100 * (common$QE - (k - 1)) / common$QE))
  if (k > 2) {
    q <- confint(f, control = list(tol = 1e-13, tau2.max = 1000))$random
    half <- qt(.975, k - 2) * sqrt(f$tau2 + f$se^2)
    halfhk <- qt(.975, k - 1) * sqrt(f$tau2 + hk$se^2); halfz <- qnorm(.975) * sqrt(f$tau2 + f$se^2)
    out$tau2_ci <- unname(q["tau^2", 2:3]); out$I2_ci <- unname(q["I^2(%)", 2:3])
    out$pi_hts <- f$beta[1] + c(-1, 1) * half; out$pi_hk <- f$beta[1] + c(-1, 1) * halfhk; out$pi_z <- f$beta[1] + c(-1, 1) * halfz
    p <- predict(hk); out$metafor_pi_hk <- c(p$pi.lb, p$pi.ub); p <- predict(f); out$metafor_pi_z <- c(p$pi.lb, p$pi.ub)
    out$leave1out <- lapply(seq_len(k), function(i) { g <- rma(y[-i], v[-i], method = "REML", control = tight)
      h <- rma(y[-i], v[-i], tau2 = g$tau2, test = "knha"); list(tau2 = g$tau2, estimate = h$beta[1], se = h$se) })
    if (k > 3) { e <- regtest(common, model = "lm"); out$egger <- list(t = unname(e$zval), p = e$pval, df = e$dfs) }
  }
  out
}
sets <- list(bcg = one(as.numeric(bcg$yi), sqrt(as.numeric(bcg$vi))),
  spread = one(c(-3.4, -8.1, -0.6, -5.2, 1.4, -4.4), c(1.02, 2.4, 1.3, 1.7, 1.9, 0.9)),
  alike = one(c(-3.4, -3.9, -3.1, -3.6, -2.8), c(1.0, 1.4, 1.2, 1.6, 1.1)),   # tau2 = 0
  three = one(c(-3.86, -3.4, -9.3), c(0.81, 1.02, 2.57)),
  two = one(c(-3.86, -9.3), c(0.81, 2.57)))

# --- single-case designs -----------------------------------------------------------------------
# NAP with Sen's unbiased variance and Newcombe's method 5, Tau, Tau-U (Parker et al. 2011), baseline-corrected Tau (Theil-Sen line of phase A
# taken off both phases), PND, log response ratio (Pustejovsky 2018); as package SingleCaseES defines them. Increase is improvement.
A <- c(20, 20, 26, 25, 22, 23); B <- c(28, 25, 24, 27, 30, 30, 29)
indices <- function(A, B) {
  m <- length(A); n <- length(B)
  q <- outer(A, B, function(a, b) (b > a) + .5 * (b == a)); nap <- mean(q)
  v <- (nap - (m + n - 1) * nap^2 + n * mean(rowMeans(q)^2) + m * mean(colMeans(q)^2) - 2 * mean(q^2)) / ((m - 1) * (n - 1))
  h <- (m + n) / 2 - 1; z <- qnorm(.975)
  f <- function(x) m * n * (nap - x)^2 * (2 - x) * (1 + x) - z^2 * x * (1 - x) * (2 + h + (1 + 2 * h) * x * (1 - x))
  ci <- c(uniroot(f, c(0, nap), tol = 1e-14)$root, if (nap < 1) uniroot(f, c(nap, 1), tol = 1e-14)$root else 1)
  coarse <- c(uniroot(f, c(0, nap))$root, if (nap < 1) uniroot(f, c(nap, 1))$root else 1)   # at uniroot's default tolerance, as SingleCaseES
  s <- sum(outer(A, B, function(a, b) sign(b - a))); w <- outer(A, A, function(a, b) sign(b - a)); trend <- sum(w[upper.tri(w)])
  slopes <- outer(seq_len(m), seq_len(m), function(i, j) (A[j] - A[i]) / (j - i)); slope <- median(slopes[upper.tri(slopes)])
  a <- A - slope * seq_len(m); b <- B - slope * (m + seq_len(n))
  bc <- mean(outer(a, b, function(a, b) sign(round(b - a, 10))))
  mA <- max(mean(A), 1 / (2 * m)); mB <- max(mean(B), 1 / (2 * n))
  lrr <- log(mB) + var(B) / (2 * n * mB^2) - log(mA) - var(A) / (2 * m * mA^2)
  list(A = A, B = B, nap = nap, nap_se = sqrt(v), nap_ci = ci, nap_ci_coarse = coarse, tau = 2 * nap - 1, tau_u = (s - trend) / (m * n), slope = slope, tau_bc = bc,
    pnd = mean(B > max(A)), lrr = lrr, lrr_se = sqrt(var(A) / (m * mA^2) + var(B) / (n * mB^2)))
}
# phase change with AR(1) errors, by REML; a longer series and one with unequal gaps
ar <- function(y, t, phase) {
  d <- data.frame(y = y, t = t, phase = phase)
  g <- gls(y ~ phase, d, correlation = corCAR1(.2, form = ~ t), method = "REML", control = glsControl(tolerance = 1e-12, msTol = 1e-14))
  list(y = y, t = t, phase = phase, coef = unname(coef(g)), se = unname(sqrt(diag(vcov(g)))), sigma = g$sigma, phi = unname(coef(g$modelStruct$corStruct, unconstrained = FALSE)),
    loglik = c(logLik(g)))
}
long <- c(24, 26, 25, 27, 24, 23, 26, 25, 19, 17, 18, 15, 14, 16, 13, 12, 14, 11); gaps <- c(0, 1, 2, 4, 5, 7, 8, 9, 10, 12, 13, 14, 16, 17, 18, 20, 21, 22)
# mixed model over cases: four cases, y ~ phase * time + (phase | case), time within phase
set.seed(20101)
cases <- do.call(rbind, lapply(1:6, function(i) { a <- rnorm(1, 25, 3); e <- rnorm(1, -6, 2.5)
  data.frame(case = paste0("C", i), phase = rep(0:1, c(6, 8)), time = c(0:5, 0:7), y = round(a + rep(c(0, e), c(6, 8)) + c(rep(0, 6), -.3 * (0:7)) + rnorm(14, 0, 2), 1)) }))
mixed <- lme(y ~ phase * time, random = ~ phase | case, data = cases, method = "REML", control = lmeControl(msTol = 1e-14, tolerance = 1e-12, msMaxIter = 1000, maxIter = 1000, opt = "optim", reltol = 1e-15))
lm4 <- list(cases = cases, coef = unname(fixef(mixed)), se = unname(sqrt(diag(vcov(mixed)))), loglik = c(logLik(mixed)))
# randomization test: the start of phase B drawn from 4..10 of 13 occasions, statistic the difference of means, all starts counted
y <- c(A, B); starts <- 4:10; stat <- sapply(starts, function(k) mean(y[k:13]) - mean(y[1:(k - 1)]))
random <- list(y = y, starts = starts, start = 7, stats = stat, p = mean(stat >= stat[starts == 7]))

# --- benchmark -----------------------------------------------------------------------------------
bench <- list(published = pnorm(-27, -6.58, 7.5), best = 1 - (1 - pnorm(-27, -6.58, 7.5))^c(10, 100, 1000))
a <- (20 - 20) / 7; bench$rtm <- -(1 - .8) * 7 * dnorm(a) / (1 - pnorm(a))
# regression to the mean by integration over the bivariate normal, another threshold
g <- function(x) (-(1 - .6) * (x - 21)) * dnorm(x, 21, 5.5); bench$rtm_integral <- integrate(g, 24, Inf, rel.tol = 1e-12)$value / pnorm(24, 21, 5.5, lower.tail = FALSE)
set.seed(4027); base <- round(rnorm(60, 24, 4)); change <- round(-4 - .3 * (base - 24) + rnorm(60, 0, 6)); week4 <- pmin(40, pmax(0, base + change))
fit <- lm(week4 ~ base); p <- predict(fit, data.frame(base = 27), se.fit = TRUE); scale <- sqrt(p$se.fit^2 + p$residual.scale^2)
bench$regression <- list(base = base, week4 = week4, mean = unname(p$fit), scale = unname(scale), df = p$df,
  p = pt((0.5 - p$fit) / scale, p$df)[[1]], p_plain = pt((0 - p$fit) / scale, p$df)[[1]], pi = unname(predict(fit, data.frame(base = 27), interval = "prediction")[2:3]))
# a series: mean of 5 patients with a mean baseline of 26 (weights: variance s²/5), and at least k of m patients
p5 <- predict(fit, data.frame(base = 26), se.fit = TRUE); s5 <- sqrt(p5$se.fit^2 + p5$residual.scale^2 / 5)
bench$series <- list(pi = unname(predict(fit, data.frame(base = 26), interval = "prediction", weights = 5)[2:3]), p = pt((14 - p5$fit) / s5, p5$df)[[1]],
  published = pnorm(-12, -6.58, 7.5 / sqrt(5)), least = lapply(list(c(3, 5, .2), c(1, 100, .0032), c(5, 5, .04)), function(v) c(v, 1 - pbinom(v[1] - 1, v[2], v[3]))))
bench$exact <- lapply(list(c(0, 85), c(3, 85), c(85, 85)), function(v) c(v, binom.test(v[1], v[2])$conf.int))

write(toJSON(list(R = as.character(getRversion()), metafor = as.character(packageVersion("metafor")), nlme = as.character(packageVersion("nlme")),
  meta = sets, single = list(up = indices(A, B), other = indices(c(3, 4, 3, 5, 2), c(6, 4, 8, 7, 9, 9))),
  ar = list(short = ar(c(A, B), 1:13, rep(0:1, c(6, 7))), long = ar(long, gaps, rep(0:1, c(8, 10)))), mixed = lm4, random = random, bench = bench),
  digits = I(15), auto_unbox = TRUE, pretty = FALSE), "evidence.json")
