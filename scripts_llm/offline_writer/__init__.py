"""Writes scripts without a language model, from the plain-text bank in templates/room.

Where to find what:
    templates/room/<language>   plots (stories_*.txt), gags (runners_*.txt), jokes by drive, flaw and trade
    templates/pursuits/<language>   what loglines are about, with plots of their own
    bank        reads those files
    logline     reads who wants what, to or about what, and against whom
    pursuits    reads the files of templates/pursuits
    writer      premise in, script out: the order of the steps
    season      the episodes before this one, so that nothing is repeated
    story       which plot and which scenes an episode has; the search that fills them
    dialogue    an exchange of the bank as lines of these people
    wording     one line: its slots, capitals, manner of speaking, faults
    cast        invents the characters and settings that a premise leaves out
    person      reads a character's free text into drive, flaw, trade and register
    places      chooses a setting for each scene and describes what is seen
    nouns       the things that only this show is about
    premises    the text of a new premise from a logline (`coldopen new`)
    memes       a picture and two texts

Russian (cases, genders, transliteration) is in `scripts_llm.russian`.
"""
