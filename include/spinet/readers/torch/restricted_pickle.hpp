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
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet::detail {

/// The functions and types that a pickle may call. None is: the call is kept as a value. Other names may be
/// mentioned, and be the types of objects, which are their attributes and nothing more.
inline constexpr std::string_view pickle_calls[] = {
    // dicts, filled afterwards
    "collections.OrderedDict", "collections.defaultdict",
    // tensors
    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_qtensor", "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state", "torch._tensor._rebuild_from_type_v2",
    "torch.nn.parameter.Parameter",
    // what stands beside them; _codecs.encode is what bytes are written as in protocol 2
    "torch.Size", "torch.device", "torch.serialization._get_layout", "torch.jit._pickle.build_intlist",
    "torch.jit._pickle.build_doublelist", "torch.jit._pickle.build_boollist",
    "torch.jit._pickle.build_tensorlist", "torch.jit._pickle.restore_type_tag", "_codecs.encode",
    "builtins.set", "__builtin__.set", "builtins.frozenset", "__builtin__.frozenset", "builtins.complex",
    "builtins.slice", "builtins.bytearray", "numpy.dtype", "numpy.core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct", "numpy._core.multiarray.scalar",
    "numpy._core.multiarray._reconstruct", "pathlib.Path", "pathlib.PosixPath", "pathlib.PurePosixPath",
    "pathlib.WindowsPath", "pathlib.PureWindowsPath", "datetime.datetime", "datetime.date",
    "datetime.timedelta", "copyreg._reconstructor", "copy_reg._reconstructor", "functools.partial",
    "torch.nn.backends.thnn._get_thnn_function_backend"};

enum class pickle_kind : std::uint8_t {
    none,
    boolean,
    integer,
    long_integer,  ///< beyond 64 bits; its value is not kept
    real,
    text,
    bytes,
    tuple,
    list,
    dict,
    ordered_dict,
    global,
    call,        ///< of a global, with its arguments
    persistent,  ///< what lies outside of the pickle: a storage
    object       ///< of a type, with its attributes
};

[[nodiscard]] constexpr std::string_view to_string(pickle_kind kind) noexcept {
    constexpr std::array<std::string_view, 15> names{
        "None",   "a boolean", "an integer", "an integer", "a float",   "a string",  "bytes",    "a tuple",
        "a list", "a dict",    "a dict",     "a type",     "an object", "a storage", "an object"};
    return names[static_cast<std::size_t>(kind)];
}

/// The values of a pickle refer to each other by number, so that cycles neither leak nor are followed.
using pickle_ref = std::uint32_t;
inline constexpr pickle_ref no_pickle_ref = std::numeric_limits<pickle_ref>::max();

struct pickle_value {
    pickle_kind kind = pickle_kind::none;
    /// text, bytes: where they begin in the pickle; tuple: its first item; list, dict: its first entry;
    /// global: its place among the names; call, object: its global; persistent: its tuple.
    std::uint32_t first = 0;
    /// text, bytes, tuple: length; list, dict: its last entry; global: where it was named; call: the tuple of
    /// its arguments; object: its attributes, or none.
    std::uint32_t second = 0;
    /// boolean, integer: the value; list, dict: how many there are; real: the bits.
    std::int64_t number = 0;
};

/// One entry of a dict, in the order of the file, or of a list, whose keys are none. A key may come twice.
struct pickle_entry {
    pickle_ref key, value;
    std::uint32_t next;
};

/// All values of one pickle, and its bytes, to which texts refer.
class pickle_values {
public:
    explicit pickle_values(std::string bytes)
        : pickle_values(std::make_shared<std::string const>(std::move(bytes))) {}
    explicit pickle_values(std::shared_ptr<std::string const> bytes) : bytes_(*bytes), owner_(bytes) {}
    /// The texts are in `bytes`, of which a pickle begins somewhere.
    explicit pickle_values(byte_source const& bytes)
        : bytes_(reinterpret_cast<char const*>(bytes.bytes().data()),
                 std::min(bytes.size(), std::size_t{no_pickle_ref - 1})),
          owner_(std::make_shared<byte_source>(bytes)) {}

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
        return bytes_.substr(values_[at].first, values_[at].second);
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
    /// Of a dict, a list or a tuple: f(key, value) for each entry; the keys of the latter two mean nothing.
    template <class F>
    void for_each(pickle_ref at, F&& f) const {
        if (is(at, pickle_kind::tuple)) {
            for (std::size_t k = 0; k < count(at); ++k) f(at, item(at, k));
            return;
        }
        for (auto next = values_[at].first; next != no_pickle_ref; next = entries_[next].next)
            f(entries_[next].key, entries_[next].value);
    }
    /// Of a global, a call or an object: "torch.FloatStorage"; nothing for others.
    [[nodiscard]] std::string_view global(pickle_ref at) const {
        if (is(at, pickle_kind::call) || is(at, pickle_kind::object)) at = values_[at].first;
        if (!is(at, pickle_kind::global)) return {};
        return names_[values_[at].first];
    }
    /// The tuple of a call or of what is persistent; the attributes of an object, or none.
    [[nodiscard]] pickle_ref arguments(pickle_ref at) const {
        return is(at, pickle_kind::persistent) ? values_[at].first : values_[at].second;
    }
    /// f(value) for all values, whatever refers to them.
    template <class F>
    void for_each_value(F&& f) const {
        for (pickle_ref at = 0; at < values_.size(); ++at) f(at);
    }

private:
    friend class pickle_machine;

    std::string_view bytes_;
    std::shared_ptr<void const> owner_;
    std::deque<std::string> names_;
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

    /// A pickle that begins at that byte and, if `whole`, ends where the bytes end. `what` is its name.
    pickle_machine(pickle_values& into, memory_allowance& memory, std::size_t begin = 0, bool whole = true,
                   std::string_view what = "data.pkl")
        : into_(&into), memory_(&memory), bytes_(into.bytes_), at_(begin), whole_(whole), what_(what) {
        if (bytes_.size() >= no_pickle_ref)
            throw error("has ", bytes_.size(), " bytes, too many for what describes tensors");
        none_ = add({pickle_kind::none});
        false_ = add({pickle_kind::boolean});
        true_ = add({pickle_kind::boolean, 0, 0, 1});
        empty_tuple_ = add({pickle_kind::tuple});
    }

    /// The place after the pickle. Throws `error`, which names the byte, at anything but values, objects and
    /// calls of `pickle_calls`.
    std::size_t run() {
        while (!step()) {
        }
        return at_;
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
            {0x8B, [](machine m) { m.push_long(m.unsigned_number(4)); }},
            {'G', [](machine m) { m.push_real(); }},
            {0x8C, [](machine m) { m.push_text(pickle_kind::text, m.unsigned_number(1)); }},
            {'X', [](machine m) { m.push_text(pickle_kind::text, m.unsigned_number(4)); }},
            {0x8D, [](machine m) { m.push_text(pickle_kind::text, m.unsigned_number(8)); }},
            {'U', [](machine m) { m.push_text(pickle_kind::text, m.unsigned_number(1)); }},  // of Python 2
            {'T', [](machine m) { m.push_text(pickle_kind::text, m.unsigned_number(4)); }},
            {'C', [](machine m) { m.push_text(pickle_kind::bytes, m.unsigned_number(1)); }},
            {'B', [](machine m) { m.push_text(pickle_kind::bytes, m.unsigned_number(4)); }},
            {0x8E, [](machine m) { m.push_text(pickle_kind::bytes, m.unsigned_number(8)); }},
            {')', [](machine m) { m.push(m.empty_tuple_); }},
            {'t', [](machine m) { m.push_tuple(m.above_mark()); }},
            {0x85, [](machine m) { m.push_tuple(1); }},
            {0x86, [](machine m) { m.push_tuple(2); }},
            {0x87, [](machine m) { m.push_tuple(3); }},
            {'(', [](machine m) { m.mark(); }},
            {']', [](machine m) { m.push_list(); }},
            {0x8F, [](machine m) { m.push_list(); }},  // a set
            {0x90, [](machine m) { m.extend_list(m.above_mark()); }},
            {0x91,
             [](machine m) {
                 m.drop(m.above_mark());
                 m.push_list();
             }},
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
            {0x81, [](machine m) { m.make_object(2); }},
            {0x92, [](machine m) { m.make_object(3); }},
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
        if (whole_ && at_ != bytes_.size()) fail(bytes_.size() - at_, " bytes follow the end of the pickle");
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

    void push_list() { push(add({pickle_kind::list, no_pickle_ref, no_pickle_ref})); }

    void extend_list(std::size_t count) {
        auto& list = below(count);
        if (list.kind == pickle_kind::object || list.kind == pickle_kind::call) return drop(count);
        if (list.kind != pickle_kind::list) fail("items are appended to what is no list");
        add_entries(list, count, 1);
    }

    void extend_dict(std::size_t count) {
        auto& dict = below(count);
        if (dict.kind == pickle_kind::object || dict.kind == pickle_kind::call) return drop(count);
        if (dict.kind != pickle_kind::dict && dict.kind != pickle_kind::ordered_dict)
            fail("entries are set in what is no dict");
        if (count % 2 != 0) fail("a key without a value is set in a dict");
        add_entries(dict, count, 2);
    }

    /// The last `count` values of the stack: items (1 each) or keys with values (2 each).
    void add_entries(pickle_value& to, std::size_t count, std::size_t each) {
        auto& entries = into_->entries_;
        memory_->take(count / each * sizeof(pickle_entry));
        check_room(entries.size() + count / each);
        for (auto k = stack_.size() - count; k < stack_.size(); k += each) {
            auto const made = static_cast<std::uint32_t>(entries.size());
            entries.push_back({each == 1 ? none_ : stack_[k], stack_[k + each - 1], no_pickle_ref});
            (to.first == no_pickle_ref ? to.first : entries[to.second].next) = made;
            to.second = made;
        }
        to.number += static_cast<std::int64_t>(count / each);
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
        auto const id = stack_.back();
        if (!into_->is(id, pickle_kind::tuple)) fail("a persistent id is no tuple");
        // Before PyTorch 1.6 the source of a module's type is kept with it.
        if (into_->count(id) == 4 && into_->maybe_text(into_->item(id, 0)) == "module") {
            stack_.back() = into_->item(id, 1);
            return;
        }
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
        memory_->take(sizeof whole + whole.size());
        auto const place = static_cast<std::uint32_t>(into_->names_.size());
        into_->names_.push_back(std::move(whole));
        push(add({pickle_kind::global, place, static_cast<std::uint32_t>(start_)}));
    }

    [[noreturn]] void refuse_call(std::string_view name) {
        std::string what = detail::text("the file asks to run ", in_quotes(name),
                                        "; only tensors are read, and nothing is run");
        if (name.find("_rebuild_sparse") != name.npos)
            what += ". It makes a sparse tensor: save tensor.to_dense() instead";
        else if (name.starts_with("torch._utils.") || name.starts_with("torch._tensor."))
            what += ". It makes a tensor of another kind: save plain tensors";
        else
            what += ". If it holds a whole module or more than weights, save model.state_dict() alone";
        fail(what);
    }

    void reduce() {
        need(2);
        auto const function = stack_[stack_.size() - 2], arguments = stack_.back();
        if (!into_->is(function, pickle_kind::global)) fail("what is called is no function");
        auto const name = into_->global(function);
        if (std::find(std::begin(pickle_calls), std::end(pickle_calls), name) == std::end(pickle_calls)) {
            start_ = into_->values_[function].second;
            refuse_call(name);
        }
        if (!into_->is(arguments, pickle_kind::tuple)) fail("the arguments of a call are no tuple");
        pickle_value made{pickle_kind::call, function, arguments};
        if (name == "collections.OrderedDict" && into_->count(arguments) != 0)
            fail("an OrderedDict is made of arguments, and not entry by entry");
        if (name == "collections.OrderedDict" || name == "collections.defaultdict")
            made = {pickle_kind::ordered_dict, no_pickle_ref, no_pickle_ref};
        if (name.ends_with("._reconstructor")) {  // (type, base, state of the base): an object
            if (into_->count(arguments) == 0) fail("an object is made of no type");
            made = {pickle_kind::object, into_->item(arguments, 0), no_pickle_ref};
        }
        drop(2);
        push(add(made));
    }

    /// Of a type and arguments that are not looked at.
    void make_object(std::size_t count) {
        need(count);
        auto const type = stack_[stack_.size() - count];
        if (!into_->is(type, pickle_kind::global)) fail("an object is made of no type");
        auto const name = into_->global(type);
        bool const is_dict = name == "collections.OrderedDict" || name == "collections.defaultdict";
        drop(count);
        push(add({is_dict ? pickle_kind::ordered_dict : pickle_kind::object, is_dict ? no_pickle_ref : type,
                  no_pickle_ref}));
    }

    /// Attributes of an object or, of a state dict, the versions of its modules, which no tensor depends on.
    void build() {
        need(2);
        auto const target = stack_[stack_.size() - 2];
        if (into_->is(target, pickle_kind::call)) return drop(1);
        if (into_->is(target, pickle_kind::object)) {
            auto state = stack_.back();
            if (into_->is(state, pickle_kind::tuple) &&
                into_->count(state) == 2)  // of __dict__ and __slots__
                state = into_->item(state, 0);
            into_->values_[target].second = state;
            return drop(1);
        }
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
        throw error("byte ", start_, " of ", what_, ": ", what...);
    }

    [[noreturn]] void refuse_instruction(unsigned code) const {
        fail("instruction ", code,
             " of pickle, which the tensors of PyTorch need not; files of protocol 2 to 5 are read");
    }

    pickle_values* into_;
    memory_allowance* memory_;
    std::string_view bytes_;
    std::size_t at_ = 0, start_ = 0;
    bool whole_;
    std::string_view what_;
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
