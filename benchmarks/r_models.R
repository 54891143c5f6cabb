# The calls of the R programs, one function for each case and program, and the process that makes them.
#
#   Rscript r_models.R us/gls-residual trial.csv    each line of standard input is a request, each line of standard output an answer
#   Rscript r_models.R packages nlme lme4 ...       versions of those installed
#
# As benchmarks/python_worker.py does for Python.

mean_model <- CHG ~ REGION + BASE * AVISIT + TRT * AVISIT
calls <- list()

# LS means and contrasts as tables
whole <- function(fit, d, ...) {
  means <- emmeans::emmeans(fit, ~ TRT | AVISIT, data = d, ...)
  list(fit = fit, lsmeans = summary(means, infer = TRUE),
       contrasts = summary(emmeans::contrast(means, "trt.vs.ctrl1"), infer = TRUE, adjust = "none"))
}

us_gls <- function(d) {
  nlme::gls(mean_model, d, correlation = nlme::corSymm(form = ~ VISITN | USUBJID),
            weights = nlme::varIdent(form = ~ 1 | AVISIT), method = "REML")
}
us_glmmtmb <- function(d) {
  glmmTMB::glmmTMB(CHG ~ REGION + BASE * AVISIT + TRT * AVISIT + us(AVISIT + 0 | USUBJID), d, dispformula = ~ 0, REML = TRUE)
}
us_mmrm <- function(d, ...) {
  mmrm::mmrm(CHG ~ REGION + BASE * AVISIT + TRT * AVISIT + us(AVISIT | USUBJID), d, reml = TRUE, ...)
}

calls[["us-fit/gls"]] <- function(d) list(fit = us_gls(d))
calls[["us-fit/glmmtmb"]] <- function(d) list(fit = us_glmmtmb(d))
calls[["us-fit/mmrm"]] <- function(d) list(fit = us_mmrm(d, method = "Satterthwaite"))
calls[["us/gls-residual"]] <- function(d) whole(us_gls(d), d, mode = "df.error")
calls[["us/gls-satterthwaite"]] <- function(d) whole(us_gls(d), d, mode = "satterthwaite")
calls[["us/glmmtmb"]] <- function(d) whole(us_glmmtmb(d), d)
calls[["us/mmrm-satterthwaite"]] <- function(d) whole(us_mmrm(d, method = "Satterthwaite"), d)
calls[["us/mmrm-kr"]] <- function(d) whole(us_mmrm(d, method = "Kenward-Roger", vcov = "Kenward-Roger-Linear"), d)

calls[["cs/gls-residual"]] <- function(d) {
  whole(nlme::gls(mean_model, d, correlation = nlme::corCompSymm(form = ~ 1 | USUBJID), method = "REML"), d, mode = "df.error")
}
lmer_whole <- function(d, random, ddf) {
  fit <- lmerTest::lmer(update(mean_model, random), d, REML = TRUE)
  whole(fit, d, lmer.df = ddf, lmerTest.limit = Inf, pbkrtest.limit = Inf)
}
calls[["cs/lmer-satterthwaite"]] <- function(d) lmer_whole(d, . ~ . + (1 | USUBJID), "satterthwaite")
calls[["slope/lmer-satterthwaite"]] <- function(d) lmer_whole(d, . ~ . + (MONTH | USUBJID), "satterthwaite")
calls[["slope/lmer-kr"]] <- function(d) lmer_whole(d, . ~ . + (MONTH | USUBJID), "kenward-roger")

# ---- the process ----

number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
text <- function(x) paste0("\"", gsub("[[:cntrl:]\"\\\\]", " ", x), "\"")
array <- function(x) paste0("[", paste(number(x), collapse = ", "), "]")

peak_mb <- function() {
  status <- tryCatch(readLines("/proc/self/status"), error = function(e) character(), warning = function(w) character())
  as.numeric(sub("\\D*(\\d+).*", "\\1", grep("^VmHWM", status, value = TRUE)))[1] / 1000
}

answer <- function(name, d) {
  notes <- character()
  gc()
  before <- proc.time()
  result <- withCallingHandlers(calls[[name]](d), warning = function(w) {
    notes <<- union(notes, conditionMessage(w))
    invokeRestart("muffleWarning")
  })
  spent <- proc.time() - before
  contrasts <- as.data.frame(result$contrasts)
  paste0("{\"cpu\": ", number(spent[[1]] + spent[[2]]), ", \"wall\": ", number(spent[[3]]), ", \"note\": ", text(paste(notes, collapse = "; ")),
         ", \"deviance\": ", number(-2 * as.numeric(logLik(result$fit))),
         if (nrow(contrasts)) paste0(", \"contrasts\": ", array(contrasts$estimate), ", \"errors\": ", array(contrasts$SE)), "}\n")
}

main <- function(name, path) {
  package <- sub(".*/([a-z]*).*", "\\1", name)
  needed <- list(gls = "nlme", glmmtmb = "glmmTMB", mmrm = "mmrm", lmer = c("lme4", "lmerTest"))[[package]]
  for (p in c(needed, if (!grepl("-fit/", name)) "emmeans")) suppressMessages(loadNamespace(p))
  d <- read.csv(path, stringsAsFactors = TRUE)
  d$VISITN <- as.integer(d$AVISIT)
  cat("{\"start_mb\": ", number(peak_mb()), "}\n", sep = "")
  flush(stdout())
  requests <- file("stdin", "r")
  while (length(readLines(requests, 1))) {
    cat(tryCatch(suppressMessages(answer(name, d)), error = function(e) {
      full <- grepl("cannot allocate|bad_alloc|memory", conditionMessage(e))
      paste0("{\"error\": ", text(if (full) "memory" else conditionMessage(e)), "}\n")
    }))
    flush(stdout())
  }
}

arguments <- commandArgs(TRUE)
if (arguments[1] == "packages") {
  cat(R.version.string, "\n")
  for (p in arguments[-1]) if (requireNamespace(p, quietly = TRUE)) cat(p, as.character(packageVersion(p)), "\n")
} else {
  main(arguments[1], arguments[2])
}
