// What the tests of the bridge reach it by; nothing else links this file.

#include "abi.h"
#include "kernels/common.h"

#include <c10/core/CPUAllocator.h>

#include <set>
#include <thread>

using namespace lanista;

// A tensor of the same sizes that lies nowhere: it has a type, and no memory to read.
LANISTA_API const char* lanista_test_meta(const Tensor* like, Tensor** out) {
    return guarded([&] { out[0] = give(at::empty(like->sizes(), like->options().device(c10::DeviceType::Meta))); });
}

// Asks the host's allocator for so many bytes, and gives them back.
LANISTA_API const char* lanista_test_allocate(uint64_t bytes) {
    return guarded([&] { c10::GetCPUAllocator()->allocate(bytes); });
}

// Fails with a message of so many letters.
LANISTA_API const char* lanista_test_fail(uint64_t letters) {
    return guarded([&] { TORCH_CHECK(false, std::string(letters, 'x')); });
}

// How many threads share the work on so many items.
LANISTA_API int lanista_test_threads(int64_t items) {
    std::vector<std::thread::id> ids(static_cast<size_t>(parts_of(items)));
    in_parts(items, [&](int64_t part, Range) { ids[static_cast<size_t>(part)] = std::this_thread::get_id(); });
    return static_cast<int>(std::set<std::thread::id>(ids.begin(), ids.end()).size());
}
