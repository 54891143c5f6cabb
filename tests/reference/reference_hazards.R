# Discrete-time hazards, cumulative incidence and stratified proportional hazards of relapse.csv. Writes hazards.json.
suppressMessages({library(survival); library(jsonlite)})
r <- read.csv("relapse.csv"); r$TRT <- factor(r$TRT, c("SHAM", "NIR")); r$K <- round(r$WEEK)
d <- r[rep(seq_len(nrow(r)), r$K), ]; d$V <- sequence(r$K); d$Y <- as.integer(d$V == d$K & d$EVENT == 1)
ok <- tapply(d$Y, d$V, sum) > 0; d <- d[d$V %in% names(ok)[ok], ]
g <- glm(Y ~ TRT + factor(V), binomial("cloglog"), d, control = list(epsilon = 1e-14, maxit = 100))
r$C <- ifelse(r$EVENT == 1, 1 + (seq_len(nrow(r)) %% 4 == 0), 0); s <- survfit(Surv(WEEK, factor(C, 0:2)) ~ TRT, r)
z <- summary(s, times = c(4, 8))
st <- coxph(Surv(WEEK, EVENT) ~ TRT + strata(SITE), r)
leuk <- data.frame(t = c(6,6,6,6,7,9,10,10,11,13,16,17,19,20,22,23,25,32,32,34,35,1,1,2,2,3,4,4,5,5,8,8,8,8,11,11,12,12,15,17,22,23),
  e = c(1,1,1,0,1,0,1,0,0,1,1,0,0,0,1,1,0,0,0,0,0,rep(1,21)), x = rep(1:0, each = 21))
lf <- coxph(Surv(t, e) ~ x, leuk)
write_json(list(survival = as.character(packageVersion("survival")), cloglog = summary(g)$coefficients["TRTNIR", 1:2],
  incidence = list(strata = as.character(z$strata), time = z$time, cause1 = z$pstate[, 2], cause2 = z$pstate[, 3], se1 = z$std.err[, 2], se2 = z$std.err[, 3]),
  zph_stratified = as.list(cox.zph(st, "km")$table[1, ]), zph_identity = as.list(cox.zph(st, "identity")$table[1, ]),
  leukaemia_zph_km = as.list(cox.zph(lf, "km")$table[1, ]), leukaemia_zph_identity = as.list(cox.zph(lf, "identity")$table[1, ]),
  leukaemia_zph_breslow = as.list(cox.zph(coxph(Surv(t, e) ~ x, leuk, ties = "breslow"), "km")$table[1, ])),
  "hazards.json", auto_unbox = TRUE, digits = 15, pretty = TRUE)
