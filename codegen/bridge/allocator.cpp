// A caching allocator for tensors in the host's memory.
//
// * A training step asks for the same sizes again and again. The C library's heap gives such blocks back to the kernel, or
//   splits them for smaller ones; the first costs a page fault per 4 KiB, the second leaves holes.
// * Freed blocks are kept and given again to requests of nearly their size. What is kept and what is in use together
//   never exceed the greatest use so far by more than a share, so that no stale size stays forever.
// * Small blocks are left to the C library.
// * To release a block takes no memory: what a kept block is listed by is made with the block. So releasing cannot fail,
//   which it must not, in the destructor of a tensor.

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <sys/mman.h>
#include <utility>

namespace {

constexpr size_t SMALL = size_t(1) << 16;
constexpr size_t PAGE = 4096;
// Far above any memory, and far below where sums of sizes wrap.
constexpr size_t GREATEST = size_t(1) << 62;

struct Header;
using Kept = std::multimap<size_t, Header*>;

// In front of each block; as long as a cache line, so that what follows is aligned for vector instructions.
struct alignas(64) Header {
    size_t bytes; // of the whole block; 0 for one of the C library
    Kept::node_type listing; // while the block is in use, what lists it when it is kept
};
static_assert(sizeof(Header) == 64);

class Caching final : public c10::Allocator {
public:
    c10::DataPtr allocate(size_t n) override {
        void* data = n == 0 ? nullptr : take(n);
        return {data, data, &Caching::release, c10::Device(c10::DeviceType::CPU)};
    }

    c10::DeleterFnPtr raw_deleter() const override { return &Caching::release; }

    void copy_data(void* to, const void* from, std::size_t n) const override { std::memcpy(to, from, n); }

    static Caching& one() {
        // Never destroyed: tensors of static lifetime may outlive it.
        static Caching* allocator = new Caching();
        return *allocator;
    }

    size_t greatest_use() {
        std::lock_guard<std::mutex> guard(lock);
        return peak;
    }

    // The greatest use is counted anew from what is in use now, and what is kept is given back.
    void reset() {
        std::lock_guard<std::mutex> guard(lock);
        peak = used;
        shrink(0);
    }

private:
    std::mutex lock;
    Kept kept;
    size_t used = 0, keeping = 0, peak = 0;

    void* take(size_t n) {
        TORCH_CHECK(n <= GREATEST, "out of memory: ", n, " bytes");
        if (n < SMALL) {
            void* block = nullptr;
            TORCH_CHECK(posix_memalign(&block, 64, n + sizeof(Header)) == 0, "out of memory: ", n, " bytes");
            static_cast<Header*>(block)->bytes = 0;
            return static_cast<Header*>(block) + 1;
        }
        size_t bytes = (n + sizeof(Header) + PAGE - 1) / PAGE * PAGE;
        std::lock_guard<std::mutex> guard(lock);
        auto fit = kept.lower_bound(bytes);
        Header* block;
        if (fit != kept.end() && fit->first <= bytes + bytes / 8) {
            block = fit->second;
            keeping -= block->bytes;
            block->listing = kept.extract(fit);
        } else {
            size_t allowed = peak + peak / 16;
            size_t needed = used + bytes;
            shrink(allowed > needed ? allowed - needed : 0);
            Kept fresh;
            fresh.emplace(bytes, nullptr);
            void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            TORCH_CHECK(pages != MAP_FAILED, "out of memory: ", bytes, " bytes");
            block = new (pages) Header{bytes, fresh.extract(fresh.begin())};
            block->listing.mapped() = block;
        }
        used += block->bytes;
        peak = std::max(peak, used);
        return block + 1;
    }

    // Gives kept blocks back, the largest first, until no more than `limit` bytes are kept.
    void shrink(size_t limit) {
        while (keeping > limit) {
            auto last = std::prev(kept.end());
            keeping -= last->first;
            munmap(last->second, last->first);
            kept.erase(last);
        }
    }

    static void release(void* data) {
        if (!data) return;
        Header* block = static_cast<Header*>(data) - 1;
        if (block->bytes == 0) {
            free(block);
            return;
        }
        Caching& self = one();
        std::lock_guard<std::mutex> guard(self.lock);
        self.used -= block->bytes;
        self.keeping += block->bytes;
        self.kept.insert(std::move(block->listing));
    }
};

} // namespace

extern "C" {

// Takes over from libtorch's own allocator; blocks of the old one are still freed by it.
void lanista_install_allocator() { c10::SetCPUAllocator(&Caching::one(), 1); }

uint64_t lanista_peak_bytes() { return Caching::one().greatest_use(); }

void lanista_reset_peak() { Caching::one().reset(); }

} // extern "C"
