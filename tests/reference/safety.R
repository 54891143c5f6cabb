# Rates and proportions of rare events, Poisson regression with errors by subject, negative binomial regression.
# R 4.2.2, MASS; sandwich by hand: bread of glm, meat of the scores summed by subject.
library(jsonlite); library(MASS)
keep <- function(x) list(p = x$p.value, low = x$conf.int[1], high = x$conf.int[2], estimate = unname(x$estimate))
rates <- list(
  ratio_11_800_21_3011 = keep(poisson.test(c(11, 21), c(800, 3011))),
  none_25_3 = keep(poisson.test(0, 25.3)),
  four_52_3 = keep(poisson.test(4, 52.3)),
  ratio_4_52_3_0_49_8 = keep(poisson.test(c(4, 0), c(52.3, 49.8))),
  many = keep(poisson.test(137, 1234.5, conf.level = 0.9)),
  none_of_40 = keep(binom.test(0, 40)), seven_of_87 = keep(binom.test(7, 87)), all_of_9 = keep(binom.test(9, 9, conf.level = 0.9)))
set.seed(20240355)
id <- rep(1:60, times = sample(8:20, 60, replace = TRUE))
light <- as.numeric(id > 20)
number <- ave(id, id, FUN = seq_along)
before <- light * (number - 1) * c(18, 54, 90)[1 + id %% 3]
gamma <- rgamma(60, 2, 2)[id]
y <- rpois(length(id), gamma * exp(-2 + 0.5 * light + 0.3 * before / 500 - 0.05 * number))
X <- cbind(1, light, before / 500, (number - 1) / 12)
fit <- glm(y ~ X - 1, family = poisson, control = glm.control(epsilon = 1e-14, maxit = 100))
mu <- fitted(fit); bread <- solve(t(X) %*% (X * mu)); scores <- rowsum(X * (y - mu), id)
cov <- bread %*% crossprod(scores) %*% bread
total <- as.vector(tapply(y, id, sum)); sessions <- as.vector(tapply(y, id, length)); treated <- as.vector(tapply(light, id, max))
nb <- glm.nb(total ~ treated + offset(log(sessions)), control = glm.control(epsilon = 1e-14, maxit = 200))
# errors from the observed information of coefficients and dispersion together, as maximum likelihood gives them
ll <- function(p) { m <- exp(p[1] + p[2] * treated) * sessions; sum(dnbinom(total, size = 1 / p[3], mu = m, log = TRUE)) }
best <- optim(c(coef(nb), 1 / nb$theta), function(p) -ll(p), method = "BFGS", control = list(reltol = 1e-15, maxit = 5000))
hess <- optimHess(best$par, function(p) -ll(p), control = list(ndeps = rep(1e-4, 3)))
out <- list(
  R = R.version.string, rates = rates,
  sessions = data.frame(id = id, light = light, before = before, number = number, y = y),
  poisson = list(beta = unname(coef(fit)), se = unname(sqrt(diag(cov)))),
  nb = list(beta = unname(coef(nb)), dispersion = 1 / nb$theta, se = unname(sqrt(diag(solve(hess)))[1:2])))
write(toJSON(out, digits = I(15), auto_unbox = TRUE, dataframe = "columns", na = "string"), "safety.json")
