"""Real servers' words for limits of tokens, refused roles and filters, as users have quoted them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts_llm.llm.complaints import (
    TokenLimits,
    is_about_form,
    is_bad_key,
    is_final,
    read_limits,
    refuses_system_role,
    wants_stream,
)

OWN_COUNT = 1500  # tokens of the prompt as we count them

# server, its words, the answer's limit that was asked for, the room that is left for an answer
LIMITS: list[tuple[str, str, int, int]] = [
    (
        "OpenAI, DeepSeek, older vLLM, llama-cpp-python",
        "This model's maximum context length is 8192 tokens. However, you requested 9160 tokens (1160 in the "
        "messages, 8000 in the completion). Please reduce the length of the messages or completion.",
        8000,
        7032,
    ),
    (
        "OpenAI, older",
        "This model's maximum context length is 4097 tokens, however you requested 4337 tokens (4321 in your "
        "prompt; 16 for the completion). Please reduce your prompt; or completion length.",
        16,
        -224,
    ),
    (
        "OpenAI, prompt alone",
        "This model's maximum context length is 4097 tokens. However, your messages resulted in 7575 tokens. "
        "Please reduce the length of the messages.",
        8000,
        -3478,
    ),
    (
        "OpenAI, answer",
        "max_tokens is too large: 8000. This model supports at most 4096 completion tokens, whereas you "
        "provided 8000.",
        8000,
        4096,
    ),
    (
        "OpenAI, configured",
        "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 509178 tokens. "
        "Please reduce the length of the messages.",
        8000,
        -237178,
    ),
    (
        "OpenAI, tokens a minute",
        "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 34200. The input or "
        "output tokens must be reduced in order to run successfully.",
        8000,
        3800,
    ),
    (
        "Azure through LiteLLM",
        "litellm.ContextWindowExceededError: litellm.BadRequestError: AzureException - {\\'error\\': "
        "{\\'message\\': \"This model\\'s maximum context length is 16384 tokens. However, you requested "
        '17000 tokens (9000 in the messages, 8000 in the completion)."}}',
        8000,
        7384,
    ),
    (
        "vLLM through LiteLLM, prompt alone",
        "litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: "
        "OpenAIException - This model's maximum context length is 16384 tokens. However, your request has "
        "19427 input tokens. Please reduce the length of the input messages. (parameter=input_tokens, "
        "value=19427)",
        8000,
        -3043,
    ),
    (
        "vLLM 0.11",
        "'max_tokens' or 'max_completion_tokens' is too large: 64000. This model's maximum context length is "
        "64001 tokens and your request has 24235 input tokens (64000 > 64001 - 24235). None",
        64000,
        39766,
    ),
    (
        "vLLM 0.20, whose count of the prompt is a lower bound",
        "This model's maximum context length is 8192 tokens. However, you requested 8000 output tokens and "
        "your prompt contains at least 193 input tokens, for a total of at least 8193 tokens.",
        8000,
        8192 - OWN_COUNT,
    ),
    (
        "SGLang",
        "Requested token count exceeds the model's maximum context length of 8192 tokens. You requested a "
        "total of 9160 tokens: 1160 tokens from the input messages and 8000 tokens for the completion. "
        "Please reduce the number of tokens in the input messages or the completion to fit within the limit.",
        8000,
        7032,
    ),
    (
        "SGLang, Together",
        "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
        8000,
        -904,
    ),
    (
        "SGLang, answer",
        "max_completion_tokens is too large: 8000. This model supports at most 4096 completion tokens.",
        8000,
        4096,
    ),
    (
        "llama.cpp",
        "request (5584 tokens) exceeds the available context size (4096 tokens), try increasing it "
        "{'code': 400, 'type': 'exceed_context_size_error', 'n_prompt_tokens': 5584, 'n_ctx': 4096}",
        8000,
        -1488,
    ),
    (
        "llama.cpp, older",
        "the request exceeds the available context size. try increasing the context size or enable context "
        "shift {'code': 500, 'type': 'exceed_context_size_error', 'n_prompt_tokens': 1407, 'n_ctx': 256}",
        8000,
        -1151,
    ),
    ("llama-cpp-python", "Requested tokens (9437) exceed context window of 8192", 8000, 6755),
    (
        "LM Studio",
        "Trying to keep the first 10136 tokens when context the overflows. However, the model is loaded with "
        "context length of only 7866 tokens, which is not enough. Try to load the model with a larger "
        "context length, or provide a shorter input.",
        8000,
        -2270,
    ),
    (
        "LM Studio 0.4",
        "The number of tokens to keep from the initial prompt is greater than the context length (n_keep: "
        "10247 >= n_ctx: 4096). Try to load the model with a larger context length, or provide a shorter "
        "prompt.",
        8000,
        -6151,
    ),
    ("Ollama", "prompt too long; exceeded max context length by 4 tokens", 8000, 2000),
    ("Ollama, input", "the input length exceeds the context length", 8000, 2000),
    (
        "Mistral",
        "Prompt contains 300000 tokens, too large for model with 131072 maximum context length",
        8000,
        -168928,
    ),
    (
        "Mistral, with drafts",
        "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context "
        "length",
        8000,
        -7232,
    ),
    (
        "Groq",
        "`max_tokens` must be less than or equal to `512`, the maximum value for `max_tokens` is less than "
        "the `context_window` for this model",
        8000,
        512,
    ),
    (
        "Groq, older",
        "max_tokens for `llama-3.1-8b-instant` must be less than or equal to 7000",
        8000,
        7000,
    ),
    (
        "Groq, tokens a minute (413)",
        "Request too large for model `llama-3.3-70b-versatile` in organization `org_01` service tier "
        "`on_demand` on tokens per minute (TPM): Limit 6000, Requested 9160, please reduce your message size "
        "and try again. Need more tokens? Upgrade to Dev Tier today",
        8000,
        4840,
    ),
    ("Groq, without a number", "Please reduce the length of the messages or completion.", 8000, 2000),
    (
        "OpenRouter",
        "This endpoint's maximum context length is 40960 tokens. However, you requested about 42988 tokens "
        "(38892 of text input, 4096 in the output). Please reduce the length of either one, or use the "
        '"middle-out" transform to compress your prompt automatically.',
        4096,
        2068,
    ),
    (
        "OpenRouter, credits (402)",
        "This request requires more credits, or fewer max_tokens. You requested up to 16384 tokens, but can "
        "only afford 3919. To increase, visit https://openrouter.ai/settings/credits",
        16384,
        3919,
    ),
    (
        "OpenRouter, Poolside",
        "Input length 131393 exceeds the maximum allowed input length of 131040 tokens.",
        8000,
        -353,
    ),
    (
        "text-generation-inference",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 1160 `inputs` "
        "tokens and 8000 `max_new_tokens`",
        8000,
        2936,
    ),
    (
        "text-generation-inference, prompt alone",
        "Input validation error: `inputs` must have less than 1024 tokens. Given: 1168",
        8000,
        -144,
    ),
    ("text-generation-inference, answer", "`max_new_tokens` must be <= 512", 8000, 512),
    (
        "Anthropic",
        "max_tokens: 8192 > 4096, which is the maximum allowed number of output tokens for "
        "claude-3-haiku-20240307",
        8192,
        4096,
    ),
    (
        "Anthropic, context",
        "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length "
        "or `max_tokens` and try again",
        21333,
        11760,
    ),
    ("Anthropic, prompt alone", "prompt is too long: 213462 tokens > 200000 maximum", 8000, -13462),
    (
        "DeepSeek",
        "Invalid max_tokens value, the valid range of max_tokens is [1, 4096]",
        8000,
        4096,
    ),
    ("DashScope", "InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 2000]", 8000, 2000),
    ("Zhipu", "max_tokens参数非法：限制数值范围[1,4095]", 8000, 4095),
    (
        "Gemini",
        "Unable to submit request because it has a maxOutputTokens value of 16384 but the supported range is "
        "from 1 (inclusive) to 8193 (exclusive). Update the value and try again.",
        16384,
        8192,
    ),
    (
        "Gemini, prompt alone",
        "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
        8000,
        -147690,
    ),
    (
        "Bedrock",
        "The maximum tokens you requested exceeds the model limit of 2048. Try again with a maximum tokens "
        "value that is lower than 2048.",
        8000,
        2048,
    ),
    (
        "Volcengine",
        "The parameter `max_completion_tokens` specified in the request are not valid: integer above maximum "
        "value, expected a value <= 12288, but got 32000 instead.",
        32000,
        12288,
    ),
    (
        "Moonshot",
        "Invalid request: Your request exceeded model token limit: 8192 (requested: 9160)",
        8000,
        7032,
    ),
    (
        "xAI",
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens",
        8000,
        -406740,
    ),
    (
        "Cerebras",
        "Please reduce the length of the messages or completion. Current length is 9160 while limit is 8192",
        8000,
        7032,
    ),
    ("GitHub Copilot", "prompt token count of 200000 exceeds the limit of 128000", 8000, -72000),
    (
        "ds4",
        "Prompt has 300,000 tokens, but the configured context size is 131,072 tokens",
        8000,
        -168928,
    ),
    ("Fireworks", "Requests with max_tokens > 4096 must have stream=true", 8000, 4096),
    ("Cohere", "too many tokens: max tokens must be less than or equal to 4096", 8000, 4096),
    (
        "one that names the model",
        "max_tokens (8000) exceeds model's maximum output tokens (4096)",
        8000,
        4096,
    ),
]


@pytest.mark.parametrize(("server", "words", "asked", "room"), LIMITS, ids=[row[0] for row in LIMITS])
def test_the_limit_in_a_real_servers_words_is_read(server: str, words: str, asked: int, room: int) -> None:
    limits = read_limits(words)
    assert limits is not None
    assert limits.room(asked, OWN_COUNT) == room
    wrapped = read_limits(f"Error code: 400 - {{'error': {{'message': {words!r}, 'param': 'max_tokens'}}}}")
    assert wrapped == limits


@pytest.mark.parametrize(
    "words",
    [
        "",
        "the context is too long",
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
        "'max_completion_tokens' instead.",
        "max_tokens must be at least 1, got -186.",
        "max_completion_tokens must be smaller",
        "Rate limit reached for gpt-4 on tokens per min (TPM): Limit 10000, Used 9000, Requested 3000. "
        "Please try again in 12s.",
        "Rate limit reached for model `llama-3.1-8b-instant` on tokens per minute (TPM): Limit 6000, Used "
        "5034, Requested 1443. Please try again in 4.77s.",
        "You exceeded your current quota, please check your plan and billing details.",
        "Invalid schema for response_format: maxItems is at most 100",
        "The server is overloaded",
        "model 'llama3' not found",
        "'response_format.type' must be 'json_schema' or 'text'",
    ],
)
def test_what_is_no_limit_of_tokens_is_none(words: str) -> None:
    assert read_limits(words) is None


def test_credits_do_not_last() -> None:
    limits = read_limits("You requested up to 16384 tokens, but can only afford 3919.")
    assert limits == TokenLimits(answer=3919, is_lasting=False)


@given(st.text(alphabet="max_tokens 0123456789[],(){}<=>:'\n", max_size=300), st.integers(1, 100_000))
def test_any_message_is_read_and_always_asks_for_less(message: str, asked: int) -> None:
    limits = read_limits(message)
    assert limits is None or limits.room(asked, OWN_COUNT) < asked


@pytest.mark.parametrize(
    "piece", ["max_tokens ", "request too large ", "limit: 1 ", "1,", "context length ", "("]
)
def test_a_long_message_is_read_at_once(piece: str) -> None:
    start = time.perf_counter()
    read_limits(piece * 100_000)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    "words",
    [
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        "System role not supported",
        "Developer instruction is not enabled for models/gemma-3-27b-it",
        "Conversation roles must alternate user/assistant/user/assistant/...",
        "\n------------\nWhile executing CallExpression at line 19, column 27 in source:\n...% 2 == 0) -%}↵ "
        '{{ raise_exception("Conversation roles must alternate user...\n ^\nError: Jinja Exception: '
        "Conversation roles must alternate user/assistant/user/assistant/...",
        "Only user and assistant roles are supported!",
        "this model does not support the system role",
        "System messages are not supported by this model",
        "Invalid role: system",
        "Unexpected role 'system'",
    ],
)
def test_a_refused_system_role_is_recognized(words: str) -> None:
    assert refuses_system_role(words)


@pytest.mark.parametrize(
    "words",
    ["", "temperature is not supported", "The system is overloaded", "Only 1 system message is supported"],
)
def test_what_is_no_refused_system_role(words: str) -> None:
    assert not refuses_system_role(words)


@pytest.mark.parametrize(
    "words",
    [
        "This model only support stream mode, please enable the stream parameter to access the model. ",
        "parameter.enable_thinking must be set to false for non-streaming calls",
        "stream must be set to true",
        "replicate models only support stream mode now, please set stream=true",
    ],
)
def test_a_model_that_only_streams_is_recognized(words: str) -> None:
    assert wants_stream(words)
    assert not wants_stream("Unsupported value: 'stream' does not support true with this model.")


FINAL = [
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
    "{'code': 'content_filter', 'innererror': {'code': 'ResponsibleAIPolicyViolation'}}",
    "API key not valid. Please pass a valid API key.",
    "Your credit balance is too low to access the Anthropic API.",
    "Insufficient Balance",
    "model requires more system memory (9.9 GiB) than is available (7.6 GiB)",
    "CUDA error: out of memory",
    "openrouter/foo is not a valid model ID",
    "The model `gpt-9` does not exist or you do not have access to it.",
    "No models loaded. Please load a model in the developer page.",
]


@pytest.mark.parametrize("words", FINAL)
def test_what_no_other_form_mends_is_recognized(words: str) -> None:
    assert is_final(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "Invalid schema",
        "The server is overloaded",
        "Loading model",
        "temperature must be 1",
        "Rate limit",
    ],
)
def test_what_time_or_another_form_mends_is_not_final(words: str) -> None:
    assert not is_final(words)
    assert not is_bad_key(words)


def test_an_error_of_the_form_is_recognized() -> None:
    assert is_about_form("failed to parse grammar")
    assert is_about_form("'response_format.type' must be 'json_schema' or 'text'")
    assert not is_about_form("Internal Server Error")
