# Type III tests, residuals and predictions by R, from the two data sets beside this script.
# run:  Rscript diagnostics.R        needs: nlme lme4 lmerTest pbkrtest emmeans car jsonlite
suppressWarnings(suppressMessages({library(nlme); library(lmerTest); library(emmeans); library(car); library(jsonlite)}))
out <- function(x, f) write(toJSON(x, digits = I(15), auto_unbox = TRUE, na = "null", dataframe = "columns", matrix = "rowmajor", pretty = TRUE), f)
ver <- function(...) c(list(R = as.character(getRversion())), lapply(setNames(nm = c(...)), function(p) as.character(packageVersion(p))))
d <- read.csv("irls_parallel.csv")
d$TRT <- factor(d$TRT, c("SHAM", "NIR-L", "NIR-H")); d$REGION <- factor(d$REGION, c("EU", "AM", "AP")); d$AVISIT <- factor(d$AVISIT)
d$ROW <- seq_len(nrow(d)) - 1; d$VISIT <- as.integer(d$AVISIT)
d$W <- 1 + (as.integer(factor(d$USUBJID)) %% 4) / 2 + d$VISIT / 10; d$V <- 1 / d$W  # weights of no meaning, different within subjects
full <- d; d <- d[!is.na(d$CHG), ]
s <- read.csv("irls_slopes.csv"); s$TRT <- factor(s$TRT, c("SHAM", "NIR")); s$ROW <- seq_len(nrow(s)) - 1
sum_coded <- function(...) lapply(setNames(nm = c(...)), function(v) "contr.sum")
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e6))

# 1. Type III: what lmerTest and car say of a term, and what of it emmeans tests
rows <- function(a, num, den, f, p) list(term = rownames(a), num_df = a[[num]], den_df = a[[den]], statistic = a[[f]], p_value = a[[p]])
type3 <- function(formula, data, factors) {
  m <- lmerTest::lmer(formula, data, control = tight); ms <- lmerTest::lmer(formula, data, control = tight, contrasts = sum_coded(factors))
  l <- function(ddf) rows(as.data.frame(anova(m, type = 3, ddf = ddf)), "NumDF", "DenDF", "F value", "Pr(>F)")
  a <- as.data.frame(car::Anova(ms, type = 3, test.statistic = "F")); a <- a[rownames(a) != "(Intercept)", ]
  list(formula = deparse1(formula), kenward_roger = l("Kenward-Roger"), satterthwaite = l("Satterthwaite"), car_kenward_roger = rows(a, "Df", "Df.res", "F", "Pr(>F)")) }
# Wald F of the estimable functions emmeans finds, covariates at -1 and 1 (their mean, 0, is where SAS tests the factors)
joint <- function(m, b, v) {
  j <- suppressMessages(joint_tests(m, cov.reduce = function(x) c(-1, 1), lmer.df = "asymptotic", mode = "df.error")); l <- attr(j, "est.fcns"); k <- setdiff(names(l), "(confounded)")
  f <- sapply(l[k], function(x) { x <- matrix(x, ncol = length(b)); e <- x %*% b; as.numeric(t(e) %*% solve(x %*% v %*% t(x), e)) / nrow(x) })
  list(term = k, num_df = sapply(l[k], function(x) length(x) / length(b)), statistic = unname(f), rounded = list(term = as.character(j[["model term"]]), num_df = j$df1, statistic = j$F.ratio)) }
parallel <- CHG ~ REGION * TRT + BASE * AVISIT + TRT * AVISIT + (1 | USUBJID)
empty <- d[!(d$TRT == "NIR-H" & d$AVISIT == "W4"), ]; me <- lme4::lmer(parallel, empty, control = tight)
be <- fixef(me, add.dropped = TRUE); ve <- matrix(0, length(be), length(be), dimnames = list(names(be), names(be))); ve[names(fixef(me)), names(fixef(me))] <- as.matrix(vcov(me)); be[is.na(be)] <- 0
terms <- list(random_intercept = type3(parallel, d, c("TRT", "REGION", "AVISIT")), random_slope = type3(IRLS ~ WEEK * TRT + (WEEK | USUBJID), s, "TRT"),
  empty_cell = joint(me, be, ve))
v <- as.data.frame(car::Anova(lm(CHG ~ REGION * TRT + BASE * TRT, d[d$AVISIT == "W4", ], contrasts = sum_coded(c("TRT", "REGION"))), type = 3))
terms$one_visit <- rows(cbind(v, den = v["Residuals", "Df"])[2:6, ], "Df", "den", "F value", "Pr(>F)")

# 2. residuals and predictions of generalised least squares
ctl <- list(maxIter = 500, msMaxIter = 1000, tolerance = 1e-14, msTol = 1e-16, opt = "nlminb")
model <- CHG ~ REGION + BASE * AVISIT + TRT * AVISIT
# of the first 120 records, and the sum of squares of all normalized residuals
values <- function(m, data) { n <- residuals(m, type = "normalized"); k <- 1:120; list(row = data$ROW[k], deviance = -2 * as.numeric(logLik(m)), sum_of_squares = sum(n^2),
  fitted = as.numeric(fitted(m))[k], resid = as.numeric(residuals(m, type = "response"))[k], resid_pearson = as.numeric(residuals(m, type = "pearson"))[k], resid_normalized = as.numeric(n)[k]) }
# started again from its own end, gls comes closer to the optimum
unstructured <- function(weighted) {
  cor <- corSymm(form = ~ VISIT | USUBJID); own <- varIdent(form = ~ 1 | AVISIT)
  for (opt in c("nlminb", "optim", "optim")) {
    m <- gls(model, d, correlation = cor, weights = if (weighted) varComb(own, varFixed(~ V)) else own, control = do.call(glsControl, modifyList(ctl, list(opt = opt))))
    v <- if (weighted) m$modelStruct$varStruct[[1]] else m$modelStruct$varStruct
    cor <- corSymm(coef(m$modelStruct$corStruct, unconstrained = FALSE), form = ~ VISIT | USUBJID); own <- varIdent(coef(v, unconstrained = FALSE), form = ~ 1 | AVISIT) }
  m }
us <- unstructured(FALSE); usw <- unstructured(TRUE)
ar1w <- gls(model, d, correlation = corAR1(form = ~ VISIT | USUBJID), weights = varFixed(~ V), control = do.call(glsControl, ctl))
ex <- gls(IRLS ~ WEEK * TRT, s, correlation = corExp(form = ~ WEEK | USUBJID), control = do.call(glsControl, ctl))
terms$gls <- joint(us, coef(us), vcov(us))
new <- full[1:24, ]; new$BASE <- new$BASE + 0.5
out(list(versions = ver("nlme", "lme4", "lmerTest", "pbkrtest", "emmeans", "car"), terms = terms,
  residuals = list(us = values(us, d), us_weighted = values(usw, d), ar1_weighted = values(ar1w, d), exponential = values(ex, s)),
  predict = list(row = new$ROW, base_shift = 0.5, us = as.numeric(predict(us, new)))), "diagnostics.json")
