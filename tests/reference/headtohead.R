# Reference values of non-inferiority, equivalence and indirect comparison, from irls_parallel.csv (week 4) and base R.
# run:  Rscript headtohead.R     needs: jsonlite
library(jsonlite)
d <- read.csv("irls_parallel.csv"); d <- d[d$AVISIT == "W4" & !is.na(d$CHG), ]
d$TRT <- factor(d$TRT, c("NIR-L", "NIR-H", "SHAM"))                # test, active, placebo
d$CHG <- d$CHG - 4 * (d$TRT != "SHAM")                             # so that the active arm is far enough from sham for Fieller
fit <- lm(CHG ~ 0 + TRT, d); m <- unname(coef(fit)); V <- unname(vcov(fit)); df <- fit$df.residual
q <- qt(.975, df)
g <- function(r) { l <- c(1, -r, r - 1); (sum(l * m))^2 - q^2 * c(t(l) %*% V %*% l) }   # 0 at Fieller's limits
share <- (m[1] - m[3]) / (m[2] - m[3])
fieller <- c(uniroot(g, c(share - 20, share), tol = 1e-13)$root, uniroot(g, c(share, share + 20), tol = 1e-13)$root)
l <- c(1, -.5, -.5); T <- sum(l * m) / sqrt(c(t(l) %*% V %*% l))
a <- d$CHG[d$TRT == "NIR-H"]; b <- d$CHG[d$TRT == "NIR-L"]
tost <- list(estimate = mean(a) - mean(b), p_low = t.test(a, b, mu = -3, alternative = "greater", var.equal = TRUE)$p.value,
  p_high = t.test(a, b, mu = 3, alternative = "less", var.equal = TRUE)$p.value,
  se = unname(t.test(a, b, var.equal = TRUE)$stderr), df = length(a) + length(b) - 2)
z <- (-0.05 + .5 * -3.88) / sqrt(.91^2 + .25 * .85^2)
# MAIC on two variables: BFGS on the convex objective; sandwich with a numerical derivative of the stacked estimating equations
e <- d[d$TRT != "NIR-L", ]; A <- as.numeric(e$TRT == "NIR-H"); X <- cbind(e$BASE, as.numeric(e$REGION == "EU")); target <- c(23.5, 0.4)
Xc <- sweep(X, 2, target)
al <- optim(c(0, 0), function(k) sum(exp(Xc %*% k)), function(k) c(t(Xc) %*% exp(Xc %*% k)), method = "BFGS", control = list(reltol = 1e-16, maxit = 1000))$par
H <- function(k) t(Xc) %*% (Xc * c(exp(Xc %*% k)))
for (i in 1:20) al <- al - solve(H(al), t(Xc) %*% exp(Xc %*% al))
w <- c(exp(Xc %*% al)); m1 <- sum(w * A * e$CHG) / sum(w * A); m0 <- sum(w * (1 - A) * e$CHG) / sum(w * (1 - A))
psi <- function(th) { w <- c(exp(Xc %*% th[1:2])); cbind(w * Xc, w * A * (e$CHG - th[3]), w * (1 - A) * (e$CHG - th[4])) }
th <- c(al, m1, m0); h <- 1e-5
B <- sapply(1:4, function(j) { s <- rep(0, 4); s[j] <- h; (colSums(psi(th + s)) - colSums(psi(th - s))) / (2 * h) })
S <- solve(B) %*% crossprod(psi(th)) %*% t(solve(B)); r <- c(0, 0, 1, -1)
maic <- list(alpha = c(al), effect = m1 - m0, se = sqrt(c(t(r) %*% S %*% r)), ess = sum(w)^2 / sum(w^2))
x1 <- Xc[, 1]; x2 <- Xc[, 2]; s <- summary(lm(e$CHG ~ A * (x1 + x2)))$coefficients["A", ]
write(toJSON(list(R = as.character(getRversion()), mean = m, cov = V, df = df, share = share, fieller = fieller, retention = T,
  p_retention = pt(T, df), tost = tost, synthesis = list(z = z, p = pnorm(z)), maic = maic, stc = unname(s[1:2]), power_t = unclass(power.t.test(
  delta = 2.35, sd = 8, power = .9, strict = FALSE))$n), digits = I(15), auto_unbox = TRUE, pretty = TRUE), "headtohead.json")
