// What every function of the bridge shares: its linkage, errors as texts, tensors handed to the caller.
#pragma once

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#define LANISTA_API extern "C" __attribute__((visibility("hidden")))

namespace lanista {

using at::Tensor;

// An error as a text: null is success, so it must not depend on memory being there. It lies in a buffer of the thread,
// valid until the thread's next error; what is longer is cut, and ends in dots.
inline const char* text_of(const char* what) {
    constexpr size_t SIZE = 8192;
    static const char DOTS[] = "...";
    thread_local char text[SIZE];
    const size_t length = std::strlen(what), room = SIZE - sizeof(DOTS);
    std::memcpy(text, what, std::min(length, room));
    std::memcpy(text + std::min(length, room), length > room ? DOTS : "", length > room ? sizeof(DOTS) : 1);
    return text;
}

// A tensor that the caller owns; null for an undefined one.
inline Tensor* give(Tensor t) { return t.defined() ? new Tensor(std::move(t)) : nullptr; }

// Runs the body without autograd; null, or what went wrong, see `text_of`.
template <class F> const char* guarded(F body) {
    try {
        c10::AutoGradMode no_grad(false);
        body();
        return nullptr;
    } catch (const c10::Error& e) {
        return text_of(e.what_without_backtrace());
    } catch (const std::exception& e) {
        return text_of(e.what());
    } catch (...) {
        return text_of("an exception that is not std::exception");
    }
}

} // namespace lanista
