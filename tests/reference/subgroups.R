# Effects in subgroups at one visit (lm, emmeans), Johnson-Neyman of mtcars, critical values of Gail and Simon, shrinkage (metafor), responders (glm).
# R 4.2.2, emmeans, metafor 3.8-1.
library(jsonlite); library(emmeans); library(metafor)
d <- read.csv("irls_parallel.csv", na.strings = ""); d <- d[d$AVISIT == "W4" & !is.na(d$CHG), ]
d$TRT <- factor(d$TRT, levels = c("SHAM", "NIR-L", "NIR-H")); d$REGION <- factor(d$REGION)
fit <- lm(CHG ~ BASE + TRT * REGION, d)
em <- emmeans(fit, ~ TRT | REGION)
pair <- summary(contrast(em, list(high = c(-1, 0, 1), pooled = c(-1, 0.5, 0.5))), infer = TRUE)
wide <- emmeans(fit, ~ TRT * REGION)
k <- length(levels(d$REGION))
inter <- summary(contrast(contrast(em, list(high = c(-1, 0, 1)), by = "REGION"), "trt.vs.ctrl1", by = NULL), infer = TRUE)
joint <- test(contrast(contrast(em, list(pooled = c(-1, 0.5, 0.5)), by = "REGION"), "trt.vs.ctrl1", by = NULL), joint = TRUE)
m <- lm(mpg ~ hp * wt, mtcars); V <- vcov(m)[c("hp", "hp:wt"), c("hp", "hp:wt")]; b <- coef(m)[c("hp", "hp:wt")]; df <- df.residual(m)
roots <- function(c2) {
  f <- function(x) (b[1] + b[2] * x)^2 - c2 * (V[1, 1] + 2 * x * V[1, 2] + x^2 * V[2, 2])
  grid <- seq(-50, 50, length.out = 200001); v <- f(grid); i <- which(diff(sign(v)) != 0)
  sapply(i, function(j) uniroot(f, grid[c(j, j + 1)], tol = 1e-14)$root)
}
critical <- function(k, alpha) uniroot(function(q) sum(dbinom(1:(k - 1), k - 1, 0.5) * pchisq(q, 1:(k - 1), lower.tail = FALSE)) - alpha,
  c(0.01, 100), tol = 1e-13)$root
y <- c(-4.6, -2.3, -3.1, -0.4); s <- c(1.05, 0.84, 0.9, 1.2)
one <- rma(y, sei = s, method = "REML", control = list(threshold = 1e-12, maxiter = 1000)); bl <- blup(one)
sets <- list(list(y = y, s = s), list(y = c(-3.9, -1.2), s = c(0.8, 1.1)))
dev <- function(tau) sum(sapply(sets, function(g) { w <- 1 / (tau^2 + g$s^2); mu <- sum(w * g$y) / sum(w)
  log(sum(w)) - sum(log(w)) + sum(w * (g$y - mu)^2) }))
tau <- optimize(dev, c(0, 10), tol = 1e-12)$minimum
# Responders (three points or more), both doses as one side: likelihood-ratio tests of the interaction, and of two levels its odds ratio
d$RESP <- as.integer(d$CHG <= -3); d$SIDE <- factor(ifelse(d$TRT == "SHAM", "ref", "light"), levels = c("ref", "light"))
d$SEX <- factor(d$SEX, levels = c("M", "F"))
exact <- glm.control(epsilon = 1e-14, maxit = 100)
lrt <- function(v) {
  full <- glm(reformulate(paste("SIDE *", v), "RESP"), binomial, d, control = exact)
  less <- glm(reformulate(paste("SIDE +", v), "RESP"), binomial, d, control = exact)
  a <- anova(less, full, test = "LRT"); k <- length(coef(full)); b <- unname(coef(full)[k]); s <- sqrt(vcov(full)[k, k])
  list(statistic = a$Deviance[2], df = a$Df[2], p = a$`Pr(>Chi)`[2], ratio = exp(b + c(0, -1, 1) * qnorm(0.975) * s))
}
cells <- function(v) { g <- aggregate(RESP ~ SIDE + d[[v]], d, function(r) c(sum(r), length(r))); list(level = as.character(g[[2]]),
  side = as.character(g$SIDE), x = g$RESP[, 1], n = g$RESP[, 2]) }
responders <- list(SEX = c(lrt("SEX"), cells("SEX")), REGION = c(lrt("REGION"), cells("REGION")))
# The effect as a natural spline of age: the test against a straight line, and the effect at some ages (splines::ns with the same knots)
q <- unname(quantile(d$AGE, c(.1, .5, .9))); d$L <- as.integer(d$TRT != "SHAM"); ns3 <- function(x) splines::ns(x, knots = q[2], Boundary.knots = q[c(1, 3)])
B <- ns3(d$AGE); d$B1 <- B[, 1]; d$B2 <- B[, 2]
bent <- lm(CHG ~ BASE + SEX + L * (B1 + B2), d); flat <- lm(CHG ~ BASE + SEX + B1 + B2 + L * AGE, d); an <- anova(flat, bent)
ages <- seq(quantile(d$AGE, .05), quantile(d$AGE, .95), length.out = 11); G <- cbind(1, ns3(ages)); w <- c("L", "L:B1", "L:B2"); e <- drop(G %*% coef(bent)[w])
se <- sqrt(diag(G %*% vcov(bent)[w, w] %*% t(G)))
spline <- list(knots = q, F = an$F[2], df1 = an$Df[2], df2 = an$Res.Df[2], p = an$`Pr(>F)`[2], age = ages, effect = e, se = se)
out <- list(R = R.version.string,
  lm = list(region = as.character(pair$REGION), contrast = as.character(pair$contrast), estimate = pair$estimate, se = pair$SE, df = pair$df,
    low = pair$lower.CL, high = pair$upper.CL,
    interaction = list(estimate = inter$estimate, se = inter$SE, t = inter$t.ratio, p = inter$p.value), joint = list(F = joint$F.ratio,
      df1 = joint$df1, df2 = joint$df2, p = joint$p.value)),
  mtcars = list(mpg = mtcars$mpg, hp = mtcars$hp, wt = mtcars$wt, pointwise = roots(qt(0.975, df)^2),
    simultaneous = roots(2 * qf(0.95, 2, df)), interaction = unname(b[2]), se = sqrt(V[2, 2])),
  critical = list(k2 = critical(2, 0.05), k3 = critical(3, 0.05), k4 = critical(4, 0.05), k5 = critical(5, 0.05), k8 = critical(8, 0.05)),
  responders = responders, spline = spline,
  shrink = list(y = y, s = s, tau2 = one$tau2, pred = bl$pred, se = bl$se, tau_two = tau))
write(toJSON(out, digits = I(15), auto_unbox = TRUE), "subgroups.json")
