// SPDX-License-Identifier: BSD-3-Clause
/// The part of Python's pickle format in which PyTorch describes tensors, read as data: nothing is run.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/file.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet::detail {

/// The names that a pickle may mention. Functions are not called: a call is kept as a value.
struct pickle_global {
    std::string_view name;
    bool may_be_called;
};
inline constexpr std::array<pickle_global, 16> pickle_globals{{
    {"collections.OrderedDict", true},
    {"torch._utils._rebuild_tensor_v2", true},
    {"torch._utils._rebuild_parameter", true},
    {"torch.Size", true},
    {"torch.device", true},
    {"_codecs.encode", true},  // what bytes are written as in protocol 2
    {"torch.FloatStorage", false},
    {"torch.DoubleStorage", false},
    {"torch.HalfStorage", false},
    {"torch.BFloat16Storage", false},
    {"torch.LongStorage", false},
    {"torch.IntStorage", false},
    {"torch.ShortStorage", false},
    {"torch.CharStorage", false},
    {"torch.ByteStorage", false},
    {"torch.BoolStorage", false},
}};

enum class pickle_kind : std::uint8_t {
    none,
    boolean,
    integer,
    long_integer,  ///< beyond 64 bits; its value is not kept
    real,
    text,
    bytes,
    tuple,
    list,  ///< its items are not kept
    dict,
    ordered_dict,
    global,
    call,       ///< of a global, with its arguments
    persistent  ///< what lies outside of the pickle: a storage
};

[[nodiscard]] constexpr std::string_view to_string(pickle_kind kind) noexcept {
    constexpr std::array<std::string_view, 14> names{
        "None",    "a boolean", "an integer", "an integer", "a float", "a string",  "bytes",
        "a tuple", "a list",    "a dict",     "a dict",     "a type",  "an object", "a storage"};
    return names[static_cast<std::size_t>(kind)];
}

/// The values of a pickle refer to each other by number, so that cycles neither leak nor are followed.
using pickle_ref = std::uint32_t;
inline constexpr pickle_ref no_pickle_ref = std::numeric_limits<pickle_ref>::max();

struct pickle_value {
    pickle_kind kind = pickle_kind::none;
    /// text, bytes: where they begin in the pickle; tuple: its first item; dict: its first entry; global: its
    /// place in `pickle_globals`; call: that of its function; persistent: its tuple.
    std::uint32_t first = 0;
    /// text, bytes, tuple: length; dict: its last entry; call: the tuple of its arguments.
    std::uint32_t second = 0;
    /// boolean, integer: the value; list, dict: how many there are; real: the bits.
    std::int64_t number = 0;
};

/// One entry of a dict, in the order of the file. A key may come twice.
struct pickle_entry {
    pickle_ref key, value;
    std::uint32_t next;
};

/// All values of one pickle, and its bytes, to which texts refer.
class pickle_values {
public:
    explicit pickle_values(std::string bytes) : bytes_(std::move(bytes)) {}

    [[nodiscard]] pickle_ref root() const noexcept { return root_; }
    [[nodiscard]] pickle_kind kind(pickle_ref at) const { return values_[at].kind; }
    [[nodiscard]] bool is(pickle_ref at, pickle_kind kind) const { return values_[at].kind == kind; }
    [[nodiscard]] bool is_dict(pickle_ref at) const {
        return is(at, pickle_kind::dict) || is(at, pickle_kind::ordered_dict);
    }
    /// Of an integer or a boolean.
    [[nodiscard]] std::int64_t integer(pickle_ref at) const { return values_[at].number; }
    [[nodiscard]] double real(pickle_ref at) const { return std::bit_cast<double>(values_[at].number); }
    /// Of text or bytes.
    [[nodiscard]] std::string_view text(pickle_ref at) const {
        return std::string_view(bytes_).substr(values_[at].first, values_[at].second);
    }
    /// The text, if it is one.
    [[nodiscard]] std::optional<std::string_view> maybe_text(pickle_ref at) const {
        if (!is(at, pickle_kind::text)) return std::nullopt;
        return text(at);
    }
    /// The number of items of a tuple, a list or a dict.
    [[nodiscard]] std::size_t count(pickle_ref at) const {
        auto const& value = values_[at];
        return value.kind == pickle_kind::tuple ? value.second : static_cast<std::size_t>(value.number);
    }
    /// Of a tuple.
    [[nodiscard]] pickle_ref item(pickle_ref at, std::size_t index) const {
        return items_[values_[at].first + index];
    }
    /// Of a dict: f(key, value) for each entry.
    template <class F>
    void for_each(pickle_ref at, F&& f) const {
        for (auto next = values_[at].first; next != no_pickle_ref; next = entries_[next].next)
            f(entries_[next].key, entries_[next].value);
    }
    /// Of a global or a call: "torch.FloatStorage"; nothing for others.
    [[nodiscard]] std::string_view global(pickle_ref at) const {
        if (!is(at, pickle_kind::global) && !is(at, pickle_kind::call)) return {};
        return pickle_globals[values_[at].first].name;
    }
    /// The tuple of a call or of what is persistent.
    [[nodiscard]] pickle_ref arguments(pickle_ref at) const {
        return is(at, pickle_kind::call) ? values_[at].second : values_[at].first;
    }

private:
    friend class pickle_machine;

    std::string bytes_;
    std::deque<pickle_value> values_;  // deques: they do not copy while they grow
    std::deque<pickle_ref> items_;
    std::deque<pickle_entry> entries_;
    pickle_ref root_ = 0;
};

/// Follows the instructions of a pickle: a stack, marks on it and numbered memories of values. Everything it
/// allocates is taken from an allowance, and every instruction costs at least a byte of the pickle.
class pickle_machine {
public:
    static constexpr std::size_t most_marks = 10'000;  ///< open at a time; PyTorch's files need ten

    pickle_machine(pickle_values& into, memory_allowance& memory)
        : into_(&into), memory_(&memory), bytes_(into.bytes_) {
        if (bytes_.size() >= no_pickle_ref)
            throw error("has ", bytes_.size(), " bytes, too many for what describes tensors");
        none_ = add({pickle_kind::none});
        false_ = add({pickle_kind::boolean});
        true_ = add({pickle_kind::boolean, 0, 0, 1});
        empty_tuple_ = add({pickle_kind::tuple});
    }

    /// Throws `error`, which names the byte, at anything but values and calls of `pickle_globals`.
    void run() {
        while (!step()) {
        }
    }

private:
    /// Follows one instruction; whether it was the last.
    [[nodiscard]] bool step() {
        using machine = pickle_machine&;
        struct instruction {
            unsigned code;  ///< as Python's pickletools lists it
            void (*follow)(machine);
        };
        static constexpr instruction instructions[] = {
            {'.', [](machine m) { m.finish(); }},
            {0x80, [](machine m) { m.check_protocol(m.byte()); }},
            {0x95, [](machine m) { m.check_frame(m.unsigned_number(8)); }},
            {'N', [](machine m) { m.push(m.none_); }},
            {0x88, [](machine m) { m.push(m.true_); }},
            {0x89, [](machine m) { m.push(m.false_); }},
            {'J', [](machine m) { m.push_integer(static_cast<std::int32_t>(m.unsigned_number(4))); }},
            {'K', [](machine m) { m.push_integer(m.byte()); }},
            {'M', [](machine m) { m.push_integer(static_cast<std::int64_t>(m.unsigned_number(2))); }},
            {0x8A, [](machine m) { m.push_long(m.byte()); }},
            {'G', [](machine m) { m.push_real(); }},
            {0x8C, [](machine m) { m.push_text(pickle_kind::text, m.unsigned_number(1)); }},
            {'X', [](machine m) { m.push_text(pickle_kind::text, m.unsigned_number(4)); }},
            {0x8D, [](machine m) { m.push_text(pickle_kind::text, m.unsigned_number(8)); }},
            {'U', [](machine m) { m.push_text(pickle_kind::bytes, m.unsigned_number(1)); }},
            {'C', [](machine m) { m.push_text(pickle_kind::bytes, m.unsigned_number(1)); }},
            {'B', [](machine m) { m.push_text(pickle_kind::bytes, m.unsigned_number(4)); }},
            {')', [](machine m) { m.push(m.empty_tuple_); }},
            {'t', [](machine m) { m.push_tuple(m.above_mark()); }},
            {0x85, [](machine m) { m.push_tuple(1); }},
            {0x86, [](machine m) { m.push_tuple(2); }},
            {0x87, [](machine m) { m.push_tuple(3); }},
            {'(', [](machine m) { m.mark(); }},
            {']', [](machine m) { m.push(m.add({pickle_kind::list})); }},
            {'}',
             [](machine m) {
                 m.push(m.add({pickle_kind::dict, no_pickle_ref, no_pickle_ref}));
             }},
            {'a', [](machine m) { m.extend_list(1); }},
            {'e', [](machine m) { m.extend_list(m.above_mark()); }},
            {'s', [](machine m) { m.extend_dict(2); }},
            {'u', [](machine m) { m.extend_dict(m.above_mark()); }},
            {'q', [](machine m) { m.put(m.unsigned_number(1)); }},
            {'r', [](machine m) { m.put(m.unsigned_number(4)); }},
            {0x94, [](machine m) { m.put(m.memo_.size()); }},
            {'h', [](machine m) { m.get(m.unsigned_number(1)); }},
            {'j', [](machine m) { m.get(m.unsigned_number(4)); }},
            {'c', [](machine m) { m.named_global(); }},
            {0x93, [](machine m) { m.stack_global(); }},
            {'R', [](machine m) { m.reduce(); }},
            {'b', [](machine m) { m.build(); }},
            {'Q', [](machine m) { m.make_persistent(); }},
        };
        start_ = at_;
        auto const code = byte();
        for (auto const& each : instructions)
            if (each.code == code) {
                each.follow(*this);
                return code == '.';
            }
        refuse_instruction(code);
    }

    void finish() {
        if (stack_.size() != 1 || !marks_.empty()) fail("the pickle ends with an unfinished value");
        if (at_ != bytes_.size()) fail(bytes_.size() - at_, " bytes follow the end of the pickle");
        into_->root_ = stack_.back();
    }

    void check_protocol(unsigned version) const {
        if (version < 2 || version > 5) fail("protocol ", version, " of pickle; 2 to 5 are read");
    }

    /// A frame has no meaning to whom has all bytes.
    void check_frame(std::uint64_t length) const {
        if (length > bytes_.size() - at_) fail("a frame ends beyond the end");
    }

    /// The only number with its first byte first.
    void push_real() {
        std::uint64_t bits = 0;
        for (int k = 0; k < 8; ++k) bits = bits << 8 | byte();
        push(add({pickle_kind::real, 0, 0, std::bit_cast<std::int64_t>(bits)}));
    }

    void push_integer(std::int64_t value) { push(add({pickle_kind::integer, 0, 0, value})); }

    /// LONG1: two's complement of any length.
    void push_long(std::size_t length) {
        auto const digits = take(length);
        if (length > 8) {
            push(add({pickle_kind::long_integer}));
            return;
        }
        std::uint64_t value = length != 0 && (digits.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
        for (std::size_t k = length; k-- > 0;) value = value << 8 | static_cast<unsigned char>(digits[k]);
        push_integer(static_cast<std::int64_t>(value));
    }

    void push_text(pickle_kind kind, std::uint64_t length) {
        auto const begin = at_;
        static_cast<void>(take(length));
        push(add({kind, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(length)}));
    }

    /// Of the last `count` values of the stack.
    void push_tuple(std::size_t count) {
        if (count == 0) {
            push(empty_tuple_);
            return;
        }
        need(count);
        auto& items = into_->items_;
        memory_->take(count * sizeof(pickle_ref));
        check_room(items.size() + count);
        pickle_value const made{pickle_kind::tuple, static_cast<std::uint32_t>(items.size()),
                                static_cast<std::uint32_t>(count)};
        items.insert(items.end(), stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
        drop(count);
        push(add(made));
    }

    void mark() {
        if (marks_.size() == most_marks) fail("values are nested more than ", most_marks, " deep");
        marks_.push_back(stack_.size());
    }

    void extend_list(std::size_t count) {
        auto& list = below(count);
        if (list.kind != pickle_kind::list) fail("items are appended to what is no list");
        list.number += static_cast<std::int64_t>(count);
        drop(count);
    }

    void extend_dict(std::size_t count) {
        auto& dict = below(count);
        if (dict.kind != pickle_kind::dict && dict.kind != pickle_kind::ordered_dict)
            fail("entries are set in what is no dict");
        if (count % 2 != 0) fail("a key without a value is set in a dict");
        auto& entries = into_->entries_;
        memory_->take(count / 2 * sizeof(pickle_entry));
        check_room(entries.size() + count / 2);
        for (auto k = stack_.size() - count; k < stack_.size(); k += 2) {
            auto const made = static_cast<std::uint32_t>(entries.size());
            entries.push_back({stack_[k], stack_[k + 1], no_pickle_ref});
            (dict.first == no_pickle_ref ? dict.first : entries[dict.second].next) = made;
            dict.second = made;
        }
        dict.number += static_cast<std::int64_t>(count / 2);
        drop(count);
    }

    void put(std::uint64_t index) {
        need(1);
        // Writers count, so that there are fewer numbers than bytes.
        if (index >= bytes_.size()) fail("the memo ", index, " is beyond the size of the pickle");
        if (index >= memo_.size()) {
            memory_->take((index + 1 - memo_.size()) * sizeof(pickle_ref));
            memo_.resize(static_cast<std::size_t>(index) + 1, no_pickle_ref);
        }
        memo_[static_cast<std::size_t>(index)] = stack_.back();
    }

    void get(std::uint64_t index) {
        if (index >= memo_.size() || memo_[static_cast<std::size_t>(index)] == no_pickle_ref)
            fail("the memo ", index, " is used before it is set");
        push(memo_[static_cast<std::size_t>(index)]);
    }

    void make_persistent() {
        need(1);
        if (!into_->is(stack_.back(), pickle_kind::tuple)) fail("a persistent id is no tuple");
        stack_.back() = add({pickle_kind::persistent, stack_.back()});
    }

    void named_global() {
        auto const module = line();
        push_global(module, line());
    }

    void stack_global() {
        need(2);
        auto const module = stack_[stack_.size() - 2], name = stack_.back();
        if (!into_->is(module, pickle_kind::text) || !into_->is(name, pickle_kind::text))
            fail("the name of a type or function is no string");
        drop(2);
        push_global(into_->text(module), into_->text(name));
    }

    void push_global(std::string_view module, std::string_view name) {
        std::string whole(module.substr(0, 200));
        whole.append(".").append(name.substr(0, 200));
        auto const found = std::find_if(pickle_globals.begin(), pickle_globals.end(),
                                        [&](pickle_global const& each) { return each.name == whole; });
        if (found == pickle_globals.end()) refuse_global(whole);
        push(add({pickle_kind::global, static_cast<std::uint32_t>(found - pickle_globals.begin())}));
    }

    [[noreturn]] void refuse_global(std::string const& name) const {
        std::string what = detail::text("the file asks to run ", in_quotes(name),
                                        "; only tensors in dicts are read, and nothing is run");
        if (name.find("_rebuild_q") != name.npos)
            what += ". It makes a quantised tensor: dequantise the network and save it again";
        else if (name.find("_rebuild_sparse") != name.npos)
            what += ". It makes a sparse tensor: save tensor.to_dense() instead";
        else if (name.starts_with("torch._utils.") || name.starts_with("torch._tensor."))
            what += ". It makes a tensor of another kind: save plain tensors";
        else if (name.find("Storage") != name.npos)
            what += ". Its elements are neither f16, bf16, f32, f64 nor integers";
        else
            what += ". If it holds a whole module or more than weights, save model.state_dict() alone";
        fail(what);
    }

    void reduce() {
        need(2);
        auto const function = stack_[stack_.size() - 2], arguments = stack_.back();
        if (!into_->is(function, pickle_kind::global)) fail("what is called is no function");
        auto const& global = pickle_globals[into_->values_[function].first];
        if (!global.may_be_called) fail("a call of ", global.name, ", which is no function");
        if (!into_->is(arguments, pickle_kind::tuple)) fail("the arguments of a call are no tuple");
        pickle_value made{pickle_kind::call, into_->values_[function].first, arguments};
        if (global.name == "collections.OrderedDict") {
            if (into_->count(arguments) != 0)
                fail("an OrderedDict is made of arguments, and not entry by entry");
            made = {pickle_kind::ordered_dict, no_pickle_ref, no_pickle_ref};
        }
        drop(2);
        push(add(made));
    }

    /// Attributes of a state dict: the versions of its modules, which no tensor depends on.
    void build() {
        need(2);
        if (!into_->is(stack_[stack_.size() - 2], pickle_kind::ordered_dict))
            fail("attributes are given to what is no OrderedDict");
        auto const attributes = stack_.back();
        if (!into_->is_dict(attributes)) fail("the attributes of an OrderedDict are no dict");
        // At most one entry is looked at: who repeats this instruction does not make it slow.
        auto const& of = into_->values_[attributes];
        auto const only = of.number == 1 ? into_->entries_[of.first].key : no_pickle_ref;
        if (of.number != 0 && (only == no_pickle_ref || !into_->is(only, pickle_kind::text) ||
                               into_->text(only) != "_metadata"))
            fail("an OrderedDict has attributes other than _metadata");
        drop(1);
    }

    // --- bytes

    [[nodiscard]] unsigned byte() { return static_cast<unsigned char>(take(1).front()); }

    [[nodiscard]] std::string_view take(std::uint64_t length) {
        if (length > bytes_.size() - at_) fail("the pickle ends within an instruction");
        auto const found = bytes_.substr(at_, static_cast<std::size_t>(length));
        at_ += found.size();
        return found;
    }

    [[nodiscard]] std::uint64_t unsigned_number(std::size_t length) {
        auto const digits = take(length);
        std::uint64_t value = 0;
        for (std::size_t k = length; k-- > 0;) value = value << 8 | static_cast<unsigned char>(digits[k]);
        return value;
    }

    [[nodiscard]] std::string_view line() {
        auto const end = bytes_.find('\n', at_);
        if (end == bytes_.npos) fail("the pickle ends within an instruction");
        auto const found = bytes_.substr(at_, end - at_);
        at_ = end + 1;
        return found;
    }

    // --- the stack

    [[nodiscard]] pickle_ref add(pickle_value const& value) {
        memory_->take(sizeof value);
        check_room(into_->values_.size() + 1);
        into_->values_.push_back(value);
        return static_cast<pickle_ref>(into_->values_.size() - 1);
    }

    void check_room(std::size_t count) const {
        if (count >= no_pickle_ref) fail("the pickle holds too many values");
    }

    void push(pickle_ref value) {
        stack_.push_back(value);
        if (stack_.size() <= highest_) return;
        highest_ = stack_.size();
        memory_->take(sizeof(pickle_ref));
    }

    /// There have to be that many values above the last mark, or what is below it would be torn apart.
    void need(std::size_t count) const {
        if (stack_.size() - (marks_.empty() ? 0 : marks_.back()) < count)
            fail("an instruction lacks a value to work on");
    }

    void drop(std::size_t count) {
        stack_.erase(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    }

    [[nodiscard]] std::size_t above_mark() {
        if (marks_.empty()) fail("an instruction lacks a mark on the stack");
        auto const count = stack_.size() - marks_.back();
        marks_.pop_back();
        return count;
    }

    /// The value below the last `count`.
    [[nodiscard]] pickle_value& below(std::size_t count) {
        need(count + 1);
        return into_->values_[stack_[stack_.size() - count - 1]];
    }

    template <class... Pieces>
    [[noreturn, gnu::always_inline]] void fail(Pieces const&... what) const {
        throw error("byte ", start_, " of data.pkl: ", what...);
    }

    [[noreturn]] void refuse_instruction(unsigned code) const {
        fail("instruction ", code,
             " of pickle, which the tensors of PyTorch need not; files of protocol 2 to 5 are read");
    }

    pickle_values* into_;
    memory_allowance* memory_;
    std::string_view bytes_;
    std::size_t at_ = 0, start_ = 0;
    std::deque<pickle_ref> stack_, memo_;
    std::vector<std::size_t> marks_;
    std::size_t highest_ = 0;
    pickle_ref none_ = 0, false_ = 0, true_ = 0, empty_tuple_ = 0;
};

/// The values of a pickle. Throws `error`.
[[nodiscard]] inline pickle_values read_pickle(std::string bytes, memory_allowance& memory) {
    pickle_values values(std::move(bytes));
    pickle_machine(values, memory).run();
    return values;
}

}  // namespace spinet::detail
