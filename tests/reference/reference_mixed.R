# Reference values for the mixed models of nirls, computed in R from irls_parallel.csv, irls_slopes.csv and sleepstudy.csv beside
# this script. run:  Rscript reference_mixed.R  (two minutes)
# needs: nlme lme4 lmerTest pbkrtest clubSandwich emmeans numDeriv jsonlite
suppressWarnings(suppressMessages({
  library(nlme); library(lme4); library(lmerTest); library(pbkrtest); library(clubSandwich); library(emmeans); library(numDeriv)
  library(jsonlite)
}))

# ---- data ------------------------------------------------------------------------------------------------------------------
# sleepstudy.csv is lme4::sleepstudy, written anew here
write.csv(transform(sleepstudy, Reaction = format(Reaction, digits = 15, trim = TRUE)), "sleepstudy.csv", row.names = FALSE, quote = FALSE)
sleep <- read.csv("sleepstudy.csv"); sleep$Subject <- factor(sleep$Subject)
stopifnot(identical(sleep$Reaction, sleepstudy$Reaction), nrow(sleep) == 180)
slopes <- read.csv("irls_slopes.csv"); slopes$TRT <- factor(slopes$TRT, c("SHAM", "NIR")); slopes$USUBJID <- factor(slopes$USUBJID)
slopes$W <- 0.5 + (ave(slopes$WEEK, slopes$USUBJID, FUN = seq_along) %% 3) / 2
trial <- read.csv("irls_parallel.csv"); trial <- trial[!is.na(trial$CHG), ]
trial$TRT <- factor(trial$TRT, c("SHAM", "NIR-L", "NIR-H")); trial$REGION <- factor(trial$REGION, c("EU", "AM", "AP"))
trial$USUBJID <- factor(trial$USUBJID); trial$AVISIT <- factor(trial$AVISIT)
trial$VN <- as.integer(trial$AVISIT); trial$NO <- as.integer(substr(trial$USUBJID, 2, 4))
trial$W <- 0.5 + ((trial$NO + 2 * trial$VN) %% 4) / 2
trial$LATE <- trial$VN * (trial$NO %% 2)                                  # constant within every second subject
trial$ADY <- 7 * trial$VN + (trial$NO * (trial$VN + 2)) %% 7 - 3          # a visit within three days of its date
complete <- droplevels(trial[ave(trial$VN, trial$USUBJID, FUN = length) == 4, ])
CHANGE <- CHG ~ REGION + BASE * AVISIT + TRT * AVISIT
SLOPE <- IRLS ~ WEEK * TRT

# ---- optima ----------------------------------------------------------------------------------------------------------------
# Newton's method on R's own criterion with the derivatives of numDeriv. The criterion is known to about 1e-12 (relative), which
# leaves 1e-10 in the parameters of lmer and 1e-8 in those of gls: more cannot be had of these programs.
polish <- function(f, th) {
  for (i in 1:6) { s <- solve(hessian(f, th), grad(f, th)); th <- th - s; if (max(abs(s)) < 1e-9) break }
  th
}

lmer_optimum <- function(formula, data, weights = NULL, ignore = FALSE) {
  check <- if (ignore) "ignore" else "stop"
  control <- function(...) lmerControl(..., check.nobs.vs.nlev = check, check.nobs.vs.nRE = check, check.nobs.vs.rankZ = check)
  call <- function(fit, ...) do.call(fit, c(list(formula, data, weights = weights), list(...)))
  first <- call(lmerTest::lmer, control = control(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-12, maxfun = 1e6)))
  th <- polish(call(lme4::lmer, control = control(), devFunOnly = TRUE), getME(first, "theta"))
  stopifnot(all(th[getME(first, "lower") == 0] > 0))
  call(lmerTest::lmer, start = th, control = control(optimizer = NULL))
}

# cor, var: structures to be estimated; values: a fitted structure -> its natural parameters; fixed: these -> arguments of gls
gls_optimum <- function(formula, data, cor, var = NULL, method = "REML", values, fixed) {
  first <- gls(formula, data, correlation = cor, weights = var, method = method)
  x <- model.matrix(formula, data); s <- glsStruct(corStruct = cor, varStruct = var)
  attr(s, "conLin") <- list(Xy = cbind(x, model.response(model.frame(formula, data))), logLik = 0, sigma = 0, auxSigma = 0,
                            fixedSigma = FALSE, dims = list(N = nrow(x), p = ncol(x), REML = as.integer(method == "REML")))
  s <- Initialize(s, data, list(singular.ok = FALSE))
  coef(s) <- polish(function(p) -2 * as.numeric(logLik(s, p)), coef(first$modelStruct))
  at <- function(th) do.call(gls, c(list(formula, data, method = method), fixed(th)))
  list(at = at, theta = values(s), fit = at(values(s)), stock = -2 * as.numeric(logLik(first)))
}
correlations <- function(s) coef(s$corStruct, unconstrained = FALSE)
natural <- function(s) c(correlations(s), coef(s$varStruct, unconstrained = FALSE))
ratios <- function(r) varIdent(form = ~ 1 | VN, fixed = setNames(r, 1 + seq_along(r)))
within_subject <- function(time, id) as.formula(paste("~", time, "|", id))
unstructured <- function(formula, data, id) {
  g <- within_subject("VN", id); t <- length(unique(data$VN)); r <- seq_len(t * (t - 1) / 2)
  gls_optimum(formula, data, corSymm(form = g), varIdent(form = ~ 1 | VN), values = natural,
    fixed = function(th) list(correlation = corSymm(unname(th[r]), g, fixed = TRUE), weights = ratios(unname(th[-r]))))
}
# one correlation parameter: class is corCompSymm, corAR1 or corExp
one_parameter <- function(class, start, formula, data, id, time = "VN", hetero = FALSE, weighted = FALSE, method = "REML") {
  g <- within_subject(time, id); var <- if (weighted) varFixed(~ I(1 / W)) else if (hetero) varIdent(form = ~ 1 | VN)
  gls_optimum(formula, data, class(start, g), var, method, values = if (hetero) natural else correlations,
    fixed = function(th) list(correlation = class(unname(th[1]), g, fixed = TRUE), weights = if (hetero) ratios(unname(th[-1])) else var))
}

# ---- tables ----------------------------------------------------------------------------------------------------------------
num <- function(x) as.numeric(x)
coefs <- function(estimate, se, df, term) {
  t <- num(estimate) / num(se); list(term = term, estimate = num(estimate), se = num(se), df = num(df), t = t, p = 2 * pt(-abs(t), num(df)))
}
grid <- function(x) {
  d <- as.data.frame(summary(x, infer = TRUE, adjust = "none")); d[] <- lapply(d, function(v) if (is.factor(v)) as.character(v) else v)
  names(d) <- gsub("[.]", "_", names(d)); d
}
lsmeans <- function(fit, ...) {
  e <- emmeans(fit, ~ TRT | AVISIT, ...); list(lsmeans = grid(e), contrasts = grid(contrast(e, "trt.vs.ctrl", ref = 1)))
}
joint <- function(m, pattern) {
  b <- names(fixef(m)); L <- diag(length(b))[grep(pattern, b), , drop = FALSE]
  k <- KRmodcomp(m, L)$stats; s <- contestMD(m, L, ddf = "Satterthwaite")
  list(terms = I(grep(pattern, b, value = TRUE)),
       kenward_roger = list(num_df = k$ndf, den_df = k$ddf, F = k$Fstat, p = k$p.value, scale = k$F.scaling),
       satterthwaite = list(num_df = s$NumDF, den_df = s$DenDF, F = s$`F value`, p = s$`Pr(>F)`))
}
from_lmer <- function(m, model, parameters, tests = list(), kr = TRUE) {
  table <- function(ddf) { z <- summary(m, ddf = ddf)$coefficients; coefs(z[, 1], z[, 2], z[, 3], rownames(z)) }
  v <- lapply(VarCorr(m), function(v) unname(as.matrix(v)))
  out <- list(model = model, deviance = REMLcrit(m), parameters = parameters(unname(v), sigma(m)^2), satterthwaite = table("Satterthwaite"))
  if (kr) out$kenward_roger <- table("Kenward-Roger")
  if (length(tests)) out$joint <- lapply(tests, function(p) joint(m, p))
  out
}
intercept <- function(v, s2) c(v[[1]], s2)                                            # g, sigma^2
slope <- function(v, s2) c(v[[1]][1, 1], v[[1]][2, 1], v[[1]][2, 2], s2)              # G11, G21, G22, sigma^2
symmetric <- function(v, s2) c(v[[1]] + s2, v[[1]])                                   # variance, covariance

# df = 2v^2 / (g'Cg) for gls: -2 log likelihood and variances of the coefficients as functions of (sigma^2, correlation
# parameters), both of gls with the correlation held fixed; sigma^2 enters in closed form. gls multiplies the covariance of
# maximum likelihood by n / (n - p); here it is taken as it is.
gls_satterthwaite <- function(o) {
  n <- o$fit$dims$N; p <- o$fit$dims$p; m <- if (o$fit$method == "REML") n - p else n
  crit <- function(q) { f <- o$at(q[-1]); s2 <- f$sigma^2; -2 * as.numeric(logLik(f)) + m * (log(q[1] / s2) - 1 + s2 / q[1]) }
  v <- function(q) { f <- o$at(q[-1]); diag(vcov(f)) * m / (n - p) * q[1] / f$sigma^2 }
  q <- c(o$fit$sigma^2, o$theta); C <- 2 * solve(hessian(crit, q)); g <- jacobian(v, q); unname(2 * v(q)^2 / rowSums((g %*% C) * g))
}
# correlation parameters, then with varIdent the ratios of the SD at visit 2, 3, ... to that at visit 1
from_gls <- function(o, model, satterthwaite = TRUE) {
  n <- o$fit$dims$N; p <- o$fit$dims$p; b <- coef(o$fit); se <- sqrt(diag(vcov(o$fit)) * if (o$fit$method == "ML") (n - p) / n else 1)
  list(model = model, deviance = -2 * num(logLik(o$fit)), stock_deviance = o$stock, sigma2 = o$fit$sigma^2, theta = I(num(o$theta)),
       residual = coefs(b, se, rep(n - p, p), names(b)), satterthwaite = if (satterthwaite) coefs(b, se, gls_satterthwaite(o), names(b)))
}

packages <- c("nlme", "lme4", "lmerTest", "pbkrtest", "clubSandwich", "emmeans", "numDeriv")
version <- function(p) as.character(packageVersion(p))
res <- list(versions = c(list(R = as.character(getRversion())), lapply(setNames(nm = packages), version)))

# ---- continuous time: spatial exponential, random intercept, random slope ----------------------------------------------------
exponential <- function(...) one_parameter(corExp, 5, SLOPE, slopes, "USUBJID", "WEEK", ...)
text <- "gls IRLS ~ WEEK * TRT, corExp(~ WEEK | USUBJID); theta is the range"
res$sp_exp <- from_gls(exponential(), text)
res$sp_exp_ml <- from_gls(exponential(method = "ML"), paste(text, "; maximum likelihood"))
res$sp_exp_weighted <- from_gls(exponential(weighted = TRUE), paste(text, "; weights W"))
res$random_intercept <- from_lmer(lmer_optimum(IRLS ~ WEEK * TRT + (1 | USUBJID), slopes), "IRLS ~ WEEK * TRT + (1 | USUBJID)",
                                  intercept, list(slopes = "WEEK", arm = "TRT"))
res$sleepstudy <- from_lmer(lmer_optimum(Reaction ~ Days + (Days | Subject), sleep), "Reaction ~ Days + (Days | Subject)", slope,
                            list(all = "."))

# ---- compound symmetry; covariances by arm -----------------------------------------------------------------------------------
tests <- list("TRT:AVISIT" = "TRT.*AVISIT|AVISIT.*TRT", "BASE:AVISIT" = "BASE:", REGION = "REGION", "TRT at any visit" = "TRT")
text <- "CHG ~ REGION + BASE * AVISIT + TRT * AVISIT + (1 | USUBJID)"
res$cs <- from_lmer(lmer_optimum(update(CHANGE, . ~ . + (1 | USUBJID)), trial), text, symmetric, tests)
# each arm has an intercept of its own and, but for the arm of the smallest residual variance, an effect of the record
trial$S <- num(trial$TRT == "SHAM"); trial$L <- num(trial$TRT == "NIR-L"); trial$H <- num(trial$TRT == "NIR-H")
trial$RECORD <- factor(seq_len(nrow(trial)))
arms <- . ~ . + (0 + S | USUBJID) + (0 + L | USUBJID) + (0 + H | USUBJID) + (0 + S | RECORD) + (0 + H | RECORD)
by_arm <- lmer_optimum(update(CHANGE, arms), trial, ignore = TRUE); order_of <- names(VarCorr(by_arm))
res$cs_by_arm <- from_lmer(by_arm, "the same, variance and covariance of their own in each arm", function(v, s2) {
  of <- sapply(VarCorr(by_arm), colnames); record <- grepl("RECORD", order_of)
  lapply(setNames(nm = c("S", "L", "H")), function(a) symmetric(v[of == a & !record], s2 + sum(unlist(v[of == a & record]))))
}, tests)
slopes$S <- num(slopes$TRT == "SHAM"); slopes$N <- 1 - slopes$S; slopes$RECORD <- factor(seq_len(nrow(slopes)))
arms <- . ~ . + (0 + S + S:WEEK | USUBJID) + (0 + N + N:WEEK | USUBJID) + (0 + S | RECORD)
by_arm <- lmer_optimum(update(SLOPE, arms), slopes, ignore = TRUE)
res$random_slope_by_arm <- from_lmer(by_arm, "IRLS ~ WEEK * TRT, G and residual variance of their own in each arm", function(v, s2) {
  of <- sapply(VarCorr(by_arm), function(x) colnames(x)[1]); record <- grepl("RECORD", names(VarCorr(by_arm)))
  lapply(setNames(nm = c("S", "N")), function(a) slope(v[of == a & !record], s2 + sum(unlist(v[of == a & record]))))
}, list(slopes = "WEEK"))

# ---- weights w: V = DRD with D = diag(1 / sqrt(w)) ----------------------------------------------------------------------------
text <- "CHG ~ REGION + BASE * AVISIT + TRT * AVISIT, compound symmetry, weights W"
res$cs_weighted_gls <- from_gls(one_parameter(corCompSymm, 0.5, CHANGE, trial, "USUBJID", weighted = TRUE), paste("gls", text))
trial$Z <- 1 / sqrt(trial$W); slopes$Z0 <- 1 / sqrt(slopes$W); slopes$Z1 <- slopes$WEEK / sqrt(slopes$W)
res$cs_weighted <- from_lmer(lmer_optimum(update(CHANGE, . ~ . + (0 + Z | USUBJID)), trial, trial$W), paste("lmer", text), symmetric,
                             kr = FALSE)
res$random_slope_weighted <- from_lmer(lmer_optimum(update(SLOPE, . ~ . + (0 + Z0 + Z1 | USUBJID)), slopes, slopes$W),
                                       "lmer IRLS ~ WEEK * TRT, random slope, weights W", slope, kr = FALSE)
# pbkrtest knows no weights: the same model with every row times sqrt(w), whose -2 log likelihood is larger by sum(log(w))
scaled_rows <- function(formula, data, effect, parameters) {
  data$X <- model.matrix(formula, data) * sqrt(data$W); data$Y <- model.response(model.frame(formula, data)) * sqrt(data$W)
  out <- from_lmer(lmer_optimum(as.formula(paste("Y ~ 0 + X +", effect)), data), "the same by rows times sqrt(W)", parameters)
  out$kenward_roger$term <- out$satterthwaite$term <- sub("^X", "", out$kenward_roger$term)
  out$deviance <- out$deviance - sum(log(data$W)); out
}
res$cs_weighted_rows <- scaled_rows(CHANGE, trial, "(1 | USUBJID)", symmetric)
res$random_slope_weighted_rows <- scaled_rows(SLOPE, slopes, "(WEEK | USUBJID)", slope)

# ---- robust covariances -------------------------------------------------------------------------------------------------------
# CR2 depends on the square root of V that is taken. clubSandwich takes that of R(V - XMX')R', V = R'R (CR2); Bell and McCaffrey's,
# which R mmrm takes too, is clubSandwich's for lm on rows times the inverse Cholesky factor of V (CR2_whitened).
robust <- function(fit, type, term = names(coef(fit))) {
  z <- coef_test(fit, vcov = vcovCR(fit, cluster = trial$USUBJID, type = type), test = "Satterthwaite")
  coefs(z$beta, z$SE, z$df_Satt, term)
}
whitened <- function(fit) {
  x <- model.matrix(CHANGE, trial); y <- trial$CHG; R <- corMatrix(fit$modelStruct$corStruct)
  sd <- if (is.null(fit$modelStruct$varStruct)) rep(1, nrow(x)) else 1 / varWeights(fit$modelStruct$varStruct)
  for (i in levels(trial$USUBJID)) {
    k <- which(trial$USUBJID == i); h <- solve(t(chol(fit$sigma^2 * R[[i]] * tcrossprod(sd[k]))))
    x[k, ] <- h %*% x[k, ]; y[k] <- h %*% y[k]
  }
  lm(y ~ 0 + x)
}
sandwiches <- function(o) {
  o$fit$call$data <- quote(trial); all <- lapply(setNames(nm = c("CR0", "CR1", "CR2", "CR3")), function(k) robust(o$fit, k))
  all$CR2_whitened <- robust(whitened(o$fit), "CR2", names(coef(o$fit)))
  c(list(deviance = -2 * num(logLik(o$fit)), stock_deviance = o$stock), all)
}
res$robust <- list(us = sandwiches(unstructured(CHANGE, trial, "USUBJID")),
                   cs = sandwiches(one_parameter(corCompSymm, 0.5, CHANGE, trial, "USUBJID")))

# ---- inner-outer degrees of freedom ---------------------------------------------------------------------------------------------
inner_outer <- function(formula, data, id, terms) {
  tight <- lmeControl(tolerance = 1e-13, msTol = 1e-15, msMaxIter = 500, maxIter = 500, niterEM = 200)
  m <- lme(formula, data, random = as.formula(paste("~ 1 |", id)), control = tight)
  z <- summary(m)$tTable; f <- anova(m, type = "marginal")
  one <- function(t) { q <- f[t, ]; list(num_df = q[[1]], den_df = q[[2]], F = q[[3]], p = pf(q[[3]], q[[1]], q[[2]], lower.tail = FALSE)) }
  list(formula = deparse1(formula), n_obs = nrow(data), n_subjects = length(unique(data[[id]])), deviance = -2 * num(logLik(m)),
       coefficients = coefs(z[, 1], z[, 2], z[, "DF"], rownames(z)), terms = lapply(setNames(nm = terms), one))
}
by_visit <- c("REGION", "AVISIT:TRT", "BASE:AVISIT"); covariates <- CHG ~ REGION + BASE * VN + TRT * VN + LATE
res$between_within <- list(
  balanced = inner_outer(CHANGE, complete, "USUBJID", by_visit), unbalanced = inner_outer(CHANGE, trial, "USUBJID", by_visit),
  covariates = inner_outer(covariates, trial, "USUBJID", c("REGION", "TRT", "BASE:VN", "VN:TRT", "LATE")),
  slopes = inner_outer(SLOPE, slopes, "USUBJID", c("TRT", "WEEK:TRT")), sleepstudy = inner_outer(Reaction ~ Days, sleep, "Subject", "Days"))

# ---- means by visit, covariance over the days of the records --------------------------------------------------------------------
text <- "CHG ~ REGION + BASE * AVISIT + TRT * AVISIT"
days <- one_parameter(corExp, 20, CHANGE, trial, "USUBJID", "ADY"); days$fit$call$data <- quote(trial); days$fit$call$model <- CHANGE
random <- lmer_optimum(update(CHANGE, . ~ . + (ADY | USUBJID)), trial)
res$days <- list(
  sp_exp = c(from_gls(days, paste0("gls ", text, ", corExp(~ ADY | USUBJID); df n - p"), FALSE),
             lsmeans(days$fit, mode = "df.error", df = nrow(trial) - length(coef(days$fit)))),
  random_slope = c(from_lmer(random, paste("lmer", text, "+ (ADY | USUBJID); Satterthwaite"), slope, kr = FALSE),
                   lsmeans(random, lmer.df = "satterthwaite")))

# ---- growth of Potthoff & Roy (1964): Orthodont of nlme -------------------------------------------------------------------------
dental <- as.data.frame(Orthodont); dental$ID <- factor(as.character(dental$Subject), c(sprintf("M%02d", 1:16), sprintf("F%02d", 1:11)))
dental <- dental[order(dental$ID, dental$age), ]; dental$SEX <- factor(dental$Sex, c("Male", "Female"))
dental$VN <- as.integer((dental$age - 6) / 2)
late <- dental[dental$VN > 1, ]; late$BASE <- dental$distance[dental$VN == 1][as.integer(late$ID)]
late$CHG <- late$distance - late$BASE; late$VN <- late$VN - 1L; late$V <- factor(late$VN)
gone <- c(M03 = 2, M07 = 3, M11 = 2, M15 = 3, F02 = 2, F05 = 3, F08 = 2)[as.character(late$ID)]                 # first visit missed
late <- droplevels(late[!(!is.na(gone) & late$VN >= gone) & !(late$ID == "M10" & late$VN == 2), ]); stopifnot(nrow(late) == 69)
growth <- function(formula, data) {
  one <- function(class, hetero) from_gls(one_parameter(class, 0.5, formula, data, "ID", hetero = hetero), deparse1(formula))
  us <- from_gls(unstructured(formula, data, "ID"), deparse1(formula), FALSE)
  list(us = us, cs = one(corCompSymm, FALSE), csh = one(corCompSymm, TRUE), ar1 = one(corAR1, FALSE), ar1h = one(corAR1, TRUE))
}
res$potthoff_roy <- list(slopes = growth(distance ~ SEX * age, dental), missing = growth(CHG ~ BASE * V + SEX * V, late))

# ---- constrained longitudinal data analysis: the baseline is an outcome, its mean common to the arms -------------------------------
first <- trial[!duplicated(trial$USUBJID), ]; first$AVAL <- first$BASE; first$VN <- 0L
long <- rbind(first, trial); long <- long[order(long$USUBJID, long$VN), ]
long$V <- factor(long$VN); high <- outer(long$TRT, c("NIR-L", "NIR-H"), "==")
effects <- sapply(1:4, function(v) high * (long$VN == v)); dim(effects) <- c(nrow(long), 8)
colnames(effects) <- paste0(rep(c("L", "H"), 4), rep(1:4, each = 2)); long <- cbind(long, effects)
formula <- as.formula(paste("AVAL ~ REGION + V +", paste(colnames(effects), collapse = " + "))); long$VN <- long$VN + 1L
text <- "AVAL ~ REGION + AVISIT (with baseline) + arm at each visit after it, unstructured"
res$clda <- from_gls(unstructured(formula, long, "USUBJID"), text, FALSE)

write(toJSON(res, digits = I(15), auto_unbox = TRUE, na = "null", null = "null", pretty = TRUE, dataframe = "columns"), "mixed.json")
