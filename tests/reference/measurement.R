# Reference values of the measurement statistics; `Rscript measurement.R` (R 4.2.2, psych 2.2.9, pROC) writes measurement.json.
suppressMessages({library(psych); library(pROC); library(jsonlite)})
shrout <- matrix(c(9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7), ncol = 4, byrow = TRUE)
icc <- ICC(shrout, lmer = FALSE)$results
a <- suppressWarnings(alpha(attitude))$total$raw_alpha
feldt <- alpha.ci(a, n.obs = nrow(attitude), n.var = ncol(attitude), digits = 12)
factor <- factanal(attitude, 1, control = list(opt = list(factr = 1e1, maxit = 10000)))
lambda <- factor$loadings[, 1]; s <- sapply(attitude, sd); psi <- factor$uniquenesses
omega <- sum(s * lambda)^2 / (sum(s * lambda)^2 + sum(s^2 * psi))

# A trial of 120: whole-number gains with ties and a dichotomous anchor, from a linear congruence, so that the data are the same everywhere.
u <- numeric(240); x <- 12345
for (i in seq_along(u)) { x <- (x * 16807) %% 2147483647; u[i] <- x / 2147483647 }
gain <- round(qnorm(u[1:120], 6, 5))
improved <- as.integer(u[121:240] < plogis(-1.2 + 0.35 * gain))
curve <- suppressMessages(roc(improved, gain, direction = "<"))
best <- coords(curve, "best", best.method = "youden", ret = c("threshold", "sensitivity", "specificity"), transpose = FALSE)
fit <- glm(improved ~ gain, family = binomial, control = glm.control(epsilon = 1e-14, maxit = 100))
p <- log(mean(improved) / (1 - mean(improved)))
mic <- unname((p - coef(fit)[1]) / coef(fit)[2])
r <- cor(gain, improved)
adjusted <- mic - (0.090 + 0.103 * r) * sd(gain) * p
write(toJSON(list(
  icc = data.frame(estimate = icc$ICC, low = icc$`lower bound`, high = icc$`upper bound`),
  alpha = list(estimate = a, low = feldt$lower.ci, high = feldt$upper.ci),
  attitude = attitude, loadings = unname(lambda), uniquenesses = unname(psi), omega = omega,
  gain = gain, improved = improved, best = best, auc = as.numeric(auc(curve)), auc_se = sqrt(var(curve)),
  coefficients = unname(coef(fit)), mic = mic, correlation = r, adjusted = adjusted
), digits = 16, auto_unbox = TRUE, dataframe = "columns"), "measurement.json")
