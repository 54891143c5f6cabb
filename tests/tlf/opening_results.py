"""An opening of the report with a question of every kind."""


def questions(arm, reference):
    """Under two headings: one that is decided, one described; one that was only observed, one that cannot be answered."""
    key = {"variable": "CHG", "visit": "Week 4", "group1_level": arm, "comparison": f"{arm} - {reference}"}
    number = {"role": "main", "key": key, "label": "IRLS points at week 4"}
    words = {"yes": "It lowers the score.", "no": "It raises the score.", "open": "It may or may not."}
    return [
        {
            "heading": "Does it work?",
            "question": "Does it help?",
            "chapter": "Result",
            "numbers": [number],
            "null": 0,
            "sure": "The planned test.",
            **words,
        },
        {"question": "How much?", "chapter": "Result", "numbers": [number], "described": "So much.", "sure": "Described."},
        {
            "heading": "Why and how long?",
            "question": "By hope?",
            "chapter": "Result",
            "numbers": [number],
            "null": -1000,
            "good": "above",
            "observed": True,
            "sure": "Observed.",
            **words,
        },
        {"question": "For ever?", "chapter": "none", "unanswered": "Nobody was followed for ever.", "sure": "Not at all."},
    ]


def given(world):
    """Entry of the display trial."""
    arm = "NIR850-54" if "NIR850-54" in world.codes else world.codes[1]
    return {"T0": ("answers", "table", {"main": world.mmrm()}, {"questions": questions(arm, "SHAM")})}
