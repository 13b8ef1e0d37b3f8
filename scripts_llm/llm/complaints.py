"""Reads servers' error messages: limits of tokens, refused roles and forms, faults that no other form mends.

The wordings are those of OpenAI, Azure, vLLM, SGLang, llama.cpp, Ollama, LM Studio, LiteLLM, Mistral, Groq,
OpenRouter, Anthropic, Gemini, DeepSeek and others; `tests/scripts_llm/llm/test_complaints.py` has them whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_N = r"(\d[\d,_]{0,14})"
_ANSWER = r"(?<!\+ )max[a-z_]*[ _]?tokens(?![a-z_])"  # max_tokens, max_new_tokens, maxOutputTokens
_LONGEST = 20_000  # letters of a message that are read

_ANSWER_LIMITS = (
    rf"at most {_N} (?:completion |output |new )?tokens",
    rf"{_ANSWER}[^;\[]{{0,60}}?(?:less than or equal to|<=|at most|no more than|not exceed) {_N}",
    rf"{_ANSWER}[^.;]{{0,60}}?\[ ?\d+ ?, ?{_N} ?\]",
    rf"{_ANSWER}[^.;]{{0,60}}?between \d+ and {_N}",
    rf"{_ANSWER}[^.;]{{0,60}}?supported range is from \d+ \(inclusive\) to {_N} \(",
    rf"{_ANSWER}[^;]{{0,120}}?expected a value <= {_N}",
    rf"{_ANSWER}: \d+ > {_N}",
    rf"{_ANSWER} > {_N} must have stream",
    rf"(?:maximum|allowed) (?:output|completion) tokens[^\d.]{{0,12}}{_N}",
    rf"exceeds the model limit of {_N}",
)
_CREDIT_LIMITS = (rf"can only afford {_N}",)
_CONTEXT_LIMITS = (
    rf"inputs tokens \+ max_new_tokens must be <= {_N}",
    rf"inputs must have less than {_N} tokens",
    rf"context limit: \d+ \+ \d+ > {_N}",
    rf"too long: \d+ tokens > {_N} maximum",
    rf"{_N} maximum context length",
    rf"context (?:length|size|window|limit)(?: is| of|:)?(?: only)? \(?{_N}",
    rf"n_ctx: {_N}",
    rf"model token limit: {_N}",
    rf"maximum prompt length is {_N}",
    rf"maximum (?:allowed )?input length of {_N}",
    rf"maximum number of tokens allowed \({_N}",
    rf"token count of \d+ exceeds the limit of {_N}",
    rf"configured limit of {_N} tokens",
    rf"input length should be \[ ?\d+ ?, ?{_N} ?\]",
    rf"while limit is {_N}",
    rf"request too large.{{0,300}}? limit:? {_N} requested",  # tokens a minute
)
_REQUESTED = (
    rf"requested (?:about |a total of )?{_N} tokens",
    rf"requested tokens \({_N}",
    rf"requested: {_N}",
    rf" limit:? [\d,]+ requested:? {_N}",
    rf"current length is {_N}",
)
_PROMPT = (
    rf"{_N} (?:in the messages|in your prompt|of text input)",
    rf"{_N} tokens from the input",
    rf"(?:contains|has) {_N} (?:input )?tokens",
    rf"messages resulted in {_N} tokens",
    rf"(?:request|input|prompt) \({_N} tokens\)",
    rf"keep the first {_N} tokens",
    rf"n_keep: {_N}",
    rf"n_prompt_tokens: {_N}",
    rf"given: {_N}",
    rf"token count (?:of )?\(?{_N}",
    rf"input length \(?{_N}\)? exceeds",
    rf"context limit: {_N} \+",
    rf"too long: {_N} tokens",
)
_TOO_LONG = re.compile(
    r"reduce the length of the messages|context[_ ](?:length|window)[_ ]exceeded"
    r"|exceeds? (?:the|this model's|its)(?: \w+)? context|exceeded (?:max )?context"
    r"|greater than the context length|context window exceeds|context size has been exceeded"
    r"|request too large for|input or output tokens must be reduced"
    r"|(?:prompt|input) is too long|max\w*tokens is too large",
    re.IGNORECASE,
)
_NO_SYSTEM_ROLE = re.compile(
    r"does not support (?:the )?(?:system|developer)\b"
    r"|(?:system|developer)[ _-](?:role|message|prompt|instruction)s? (?:is |are )?(?:not|un)[ -]?"
    r"(?:supported|enabled|allowed)"
    r"|(?:invalid|unexpected|unknown|unsupported)(?: message)? role:? system"
    r"|role:? system (?:is )?(?:not|un|invalid)"
    r"|roles must alternate|only user and assistant roles",
    re.IGNORECASE,
)
_WANTS_STREAM = re.compile(
    r"supports? (?:only )?stream(?:ing)? mode|enable the stream parameter|non-streaming calls"
    r"|must have stream=true|stream must be (?:set to )?true|only supports? streaming",
    re.IGNORECASE,
)
_FORM = re.compile(
    r"grammar|json_?schema|json_?object|response_?format|structured output|guided[_ ](?:json|decoding)",
    re.IGNORECASE,
)
_BAD_KEY = r"api[ _]key (?:is )?(?:not valid|invalid|expired)|(?:invalid|incorrect) api key|api_key_invalid"
_FINAL = re.compile(
    rf"{_BAD_KEY}|content[_ ](?:filter|management policy)|responsible ?ai ?policy"
    r"|credit balance is too low|insufficient (?:balance|credits)"
    r"|requires more (?:system |gpu )?memory|out of memory|insufficient memory|failed to load model"
    r"|not a valid model id|model \S+ (?:does not exist|not found)|no models? (?:is |are )?loaded",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class TokenLimits:
    """The tokens that a server accepts, as a refusal names them; None where it does not."""

    answer: int | None = None  # of an answer
    context: int | None = None  # of prompt and answer together
    prompt: int | None = None  # of the refused prompt, as the server counts
    requested: int | None = None  # of the refused prompt and the answer that was asked for
    is_lasting: bool = True  # False: a limit of the account's credits, not of the model

    def prompt_tokens(self, asked: int) -> int | None:
        """The refused prompt's tokens; `asked` is the answer's limit in that question."""
        if self.prompt is None and self.requested is not None and self.requested > asked:
            return self.requested - asked
        return self.prompt

    def room(self, asked: int, estimate: int) -> int:
        """The tokens left for an answer, always fewer than were asked for.

        `estimate` counts the prompt's tokens, rather high, where the server does not.
        """
        prompt = self.prompt_tokens(asked)
        rooms = [] if self.answer is None else [self.answer]
        if self.context is not None and prompt is not None:
            rooms.append(self.context - prompt)
        elif self.context is not None:
            rooms.append(max(self.context - estimate, asked // 4))
        room = min(rooms, default=asked)
        return room if room < asked else asked // 4


def read_limits(message: str) -> TokenLimits | None:
    """The limits of tokens in an error message; None if it is about something else."""
    text = _plain(message)
    answer, credit = _first(_ANSWER_LIMITS, text), _first(_CREDIT_LIMITS, text)
    context = _first(_CONTEXT_LIMITS, text)
    if answer is None and credit is None and context is None:
        return TokenLimits() if _TOO_LONG.search(text) else None
    return TokenLimits(
        answer=answer if credit is None else credit,
        context=context,
        prompt=_first(_PROMPT, text),
        requested=_first(_REQUESTED, text),
        is_lasting=credit is None,
    )


def refuses_system_role(message: str) -> bool:
    """Whether a server says that its model has no system role, or wants the user to speak first."""
    return _NO_SYSTEM_ROLE.search(_plain(message)) is not None


def wants_stream(message: str) -> bool:
    """Whether a server says that its model answers by a stream of events only."""
    return _WANTS_STREAM.search(_plain(message)) is not None


def is_about_form(message: str) -> bool:
    """Whether an error is about the form that the answer was asked for in."""
    return _FORM.search(_plain(message)) is not None


def is_bad_key(message: str) -> bool:
    """Whether a server does not know the key; some say so with status 400."""
    return re.search(_BAD_KEY, _plain(message), re.IGNORECASE) is not None


def is_final(message: str) -> bool:
    """Whether neither time nor another form helps: key, credits, memory, model or a filter is at fault."""
    return _FINAL.search(_plain(message)) is not None


def _plain(message: str) -> str:
    """The message on one line, without quotation marks, backticks and escapes."""
    return " ".join(re.sub(r"""[`'"\\]""", "", message[:_LONGEST]).split())


def _first(patterns: Iterable[str], text: str) -> int | None:
    """The number of the first pattern that occurs."""
    for pattern in patterns:
        if match := re.search(pattern, text, re.IGNORECASE):
            number = int(re.sub(r"\D", "", match[1]))
            return number - text[match.end(1) :].lstrip().startswith("(exclusive)")
    return None
