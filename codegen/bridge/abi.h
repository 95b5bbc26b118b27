// What every function of the bridge shares: its linkage, errors as texts, tensors handed to the caller.
#pragma once

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <cstring>
#include <exception>
#include <utility>

#define LANISTA_API extern "C" __attribute__((visibility("hidden")))

namespace lanista {

using at::Tensor;

// A tensor that the caller owns; null for an undefined one.
inline Tensor* give(Tensor t) { return t.defined() ? new Tensor(std::move(t)) : nullptr; }

// Runs the body without autograd; null, or what went wrong as a text for `lanista_free`.
template <class F> char* guarded(F body) {
    try {
        c10::AutoGradMode no_grad(false);
        body();
        return nullptr;
    } catch (const c10::Error& e) {
        return strdup(e.what_without_backtrace());
    } catch (const std::exception& e) {
        return strdup(e.what());
    } catch (...) {
        return strdup("an exception that is not std::exception");
    }
}

} // namespace lanista
