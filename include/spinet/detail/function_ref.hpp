// SPDX-License-Identifier: BSD-3-Clause
/// A reference to something that can be called: what is done once and is no inner loop need not be compiled
/// anew for everything that it calls.
#pragma once

#include <utility>

namespace spinet::detail {

/// Refers to what it was made from, which must live as long.
template <class Signature>
class function_ref;

template <class Result, class... Arguments>
class function_ref<Result(Arguments...)> {
public:
    template <class F>
    explicit function_ref(F& f)
        : of_(const_cast<void*>(static_cast<void const*>(&f))),
          call_([](void* of, Arguments... with) -> Result {
              return (*static_cast<F*>(of))(std::forward<Arguments>(with)...);
          }) {}
    Result operator()(Arguments... with) const { return call_(of_, std::forward<Arguments>(with)...); }

private:
    void* of_;
    Result (*call_)(void*, Arguments...);
};

}  // namespace spinet::detail
