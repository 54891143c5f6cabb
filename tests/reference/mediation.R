# Reference values of mediation in linear models, with BCa intervals, on data and bootstrap samples made here.
# run:  Rscript mediation.R     needs: boot, jsonlite
suppressWarnings(suppressMessages({ library(boot); library(jsonlite) }))
res <- list(versions = list(R = as.character(getRversion()), boot = as.character(packageVersion("boot"))))
set.seed(31)
n <- 80
d <- data.frame(ID = 1:n, TRT = rep(0:1, n / 2), SITE = sample(c("A", "B", "C"), n, TRUE), M0 = round(rnorm(n, 62, 4), 1), Y0 = round(rnorm(n, 24, 5)))
d$F0 <- round(exp(rnorm(n, 3.6, 0.3)), 1)
d$M <- round(20 + 0.7 * d$M0 + 3 * d$TRT + rnorm(n, 0, 2), 1)
d$F <- round(10 + 0.7 * d$F0 + 4 * d$TRT + 0.5 * (d$M - d$M0) + rnorm(n, 0, 4), 1)
d$Y <- round(6 + 0.7 * d$Y0 - 1.5 * d$TRT - 0.6 * (d$M - d$M0) - 0.3 * d$TRT * (d$M - d$M0) - 0.1 * (d$F - d$F0) + rnorm(n, 0, 3))
write.csv(d, "mediation.csv", row.names = FALSE, quote = FALSE)
d <- read.csv("mediation.csv")

x <- "SITE + M0 + F0 + Y0"
f <- function(response, ...) as.formula(paste(response, "~", paste(c(..., x), collapse = " + ")))
path <- function(m, k) { z <- summary(m)$coefficients[k, ]; ci <- confint(m)[k, ]
  list(estimate = z[[1]], se = z[[2]], t = z[[3]], p = z[[4]], df = m$df.residual, low = ci[[1]], high = ci[[2]]) }
res$paths <- list(a = path(lm(f("M", "TRT"), d), "TRT"), b = path(lm(f("Y", "TRT", "M"), d), "M"), direct = path(lm(f("Y", "TRT", "M"), d), "TRT"),
  interaction = path(lm(f("Y", "TRT * M"), d), "TRT:M"))

# potential outcomes of every subject predicted from the two models, averaged
potential <- function(d, mediators) {
  my <- lm(f("Y", "TRT", mediators, paste0("TRT:", mediators)), d); mm <- lapply(mediators, function(m) lm(f(m, "TRT"), d))
  value <- function(t, s) { new <- transform(d, TRT = s); for (i in seq_along(mediators)) new[[mediators[i]]] <- predict(mm[[i]], transform(d, TRT = s))
    mean(predict(my, transform(new, TRT = t))) }
  y <- outer(0:1, 0:1, Vectorize(value))                     # y[t+1, s+1] = E Y(t, M(s))
  c(acme0 = y[1, 2] - y[1, 1], acme1 = y[2, 2] - y[2, 1], ade0 = y[2, 1] - y[1, 1], ade1 = y[2, 2] - y[1, 2], total = y[2, 2] - y[1, 1]) }
plain <- function(d) { a <- coef(lm(f("M", "TRT"), d))[["TRT"]]; b <- coef(lm(f("Y", "TRT", "M"), d))[["M"]]
  c(product = a * b, rho = cor(resid(lm(f("Y", "TRT"), d)), resid(lm(f("M", "TRT"), d)))) }
res$total_plain <- coef(lm(f("Y", "TRT"), d))[["TRT"]]
res$joint <- as.list(potential(d, c("M", "F")))
both <- lm(f("Y", "TRT", "M", "F"), d)
res$joint_plain <- coef(lm(f("M", "TRT"), d))[["TRT"]] * coef(both)[["M"]] + coef(lm(f("F", "TRT"), d))[["TRT"]] * coef(both)[["F"]]

# bootstrap samples by the generator of Park and Miller (1988), s <- 16807 s mod (2^31 - 1), from s = 1: subject floor(s n / (2^31 - 1))
B <- 2000; s <- 1; index <- matrix(0L, B, n)
for (i in 1:B) for (j in 1:n) { s <- (16807 * s) %% 2147483647; index[i, j] <- floor(s * n / 2147483647) + 1L }
stat <- function(d) { p <- potential(d, "M"); c(p, proportion = mean(p[c("acme0", "acme1")]) / p[["total"]], plain(d)) }
t0 <- stat(d); t <- t(apply(index, 1, function(i) stat(d[i, ])))
L <- (n - 1) * sweep(-t(sapply(1:n, function(i) stat(d[-i, ]))), 2, t0, "+")
L <- sweep(L, 2, colMeans(L))                                # the jackknife values around their mean
dummy <- boot(d, function(d, i) mean(d$Y[i]), R = B)
ci <- function(k) { z <- boot.ci(dummy, conf = 0.95, type = "bca", t0 = t0[[k]], t = t[, k], L = L[, k])$bca
  list(estimate = t0[[k]], se = sd(t[, k]), low = z[[4]], high = z[[5]]) }
res$effects <- lapply(setNames(nm = names(t0)), ci)

# the same with values missing, weighted by the inverse probability of being observed, which is fitted again in every sample
d$SEEN <- as.integer(!(d$ID %% 3 == 0 & d$Y0 > 22))
weighted <- function(d) { g <- glm(SEEN ~ TRT + Y0 + M0 + F0, binomial, d, control = list(epsilon = 1e-14, maxit = 100))
  d$W <- 1 / fitted(g); s <- d[d$SEEN == 1, ]
  mm <- lm(f("M", "TRT"), s, weights = W); my <- lm(f("Y", "TRT * M"), s, weights = W)
  value <- function(t, m) { new <- transform(s, TRT = m); new$M <- predict(mm, new); weighted.mean(predict(my, transform(new, TRT = t)), s$W) }
  y <- outer(0:1, 0:1, Vectorize(value)); b <- coef(lm(f("Y", "TRT", "M"), s, weights = W))
  c(acme0 = y[1, 2] - y[1, 1], acme1 = y[2, 2] - y[2, 1], ade0 = y[2, 1] - y[1, 1], ade1 = y[2, 2] - y[1, 2], total = y[2, 2] - y[1, 1],
    a = coef(mm)[["TRT"]], b = b[["M"]], direct = b[["TRT"]], interaction = coef(my)[["TRT:M"]]) }
t0 <- weighted(d); t <- t(apply(index, 1, function(i) suppressWarnings(weighted(d[i, ]))))
L <- (n - 1) * sweep(-t(sapply(1:n, function(i) weighted(d[-i, ]))), 2, t0, "+"); L <- sweep(L, 2, colMeans(L))
res$weighted <- lapply(setNames(nm = names(t0)), ci)
res$weights <- unname(1 / fitted(glm(SEEN ~ TRT + Y0 + M0 + F0, binomial, d, control = list(epsilon = 1e-14)))) * d$SEEN

# the model with errors correlated by a given rho: generalised least squares of both equations, iterated to its fixed point, and the
# rho at which the coefficient of the mediator is 0
z <- model.matrix(f("Y", "TRT"), d); zy <- cbind(z, d$M); p <- ncol(z)
slope <- function(rho) { sm <- sd(resid(lm(f("M", "TRT"), d))); sy <- sd(resid(lm(f("Y", "TRT", "M"), d)))
  for (i in 1:5000) { w <- solve(matrix(c(sm^2, rho * sm * sy, rho * sm * sy, sy^2), 2))
    A <- rbind(cbind(w[1, 1] * crossprod(z), w[1, 2] * crossprod(z, zy)), cbind(w[2, 1] * crossprod(zy, z), w[2, 2] * crossprod(zy)))
    g <- c(crossprod(z, w[1, 1] * d$M + w[1, 2] * d$Y), crossprod(zy, w[2, 1] * d$M + w[2, 2] * d$Y)); beta <- solve(A, g)
    em <- d$M - z %*% beta[1:p]; ey <- d$Y - zy %*% beta[-(1:p)]; new <- c(sqrt(mean(em^2)), sqrt(mean(ey^2)))
    if (max(abs(new / c(sm, sy) - 1)) < 1e-14) break; sm <- new[1]; sy <- new[2] }
  beta[[length(beta)]] }
at <- c(-0.5, -0.2, 0, 0.3, 0.6)
res$rho <- list(rho = at, acme = coef(lm(f("M", "TRT"), d))[["TRT"]] * sapply(at, slope), zero = uniroot(slope, c(-0.9, 0.9), tol = 1e-13)$root)
res$rho$r_squared_product <- res$rho$zero^2 * (1 - summary(lm(f("M", "TRT"), d))$r.squared) * (1 - summary(lm(f("Y", "TRT", "M"), d))$r.squared)
write(toJSON(res, digits = I(15), auto_unbox = TRUE, pretty = TRUE), "mediation.json")
