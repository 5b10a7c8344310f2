// SPDX-License-Identifier: BSD-3-Clause
/// An ONNX file as protobuf's messages, after a look at how much memory they will take.
#pragma once

#include <spinet/error.hpp>
#include <spinet/readers/file.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>
#include <limits>
#include <map>
#include <onnx/onnx_pb.h>

namespace spinet::detail::onnx_reading {

namespace protobuf = ::google::protobuf;

/// An input_file as protobuf reads it.
class file_stream final : public protobuf::io::CopyingInputStream {
public:
    explicit file_stream(input_file& file) : file_(&file) {}
    int Read(void* buffer, int size) override {
        auto const left = file_->size() - at_;
        auto const count = static_cast<std::size_t>(std::min(static_cast<std::uint64_t>(size), left));
        file_->read(at_, {static_cast<std::byte*>(buffer), count});
        at_ += count;
        return static_cast<int>(count);
    }

private:
    input_file* file_;
    std::uint64_t at_ = 0;
};

/// Walks over a message without keeping it and adds up what protobuf, and the reader with it, would allocate:
/// two bytes of an empty message become hundreds in memory.
class memory_estimate {
public:
    memory_estimate(input_file& file, std::uint64_t limit) : file_(&file), limit_(limit) {}

    void run() {
        file_stream stream(*file_);
        protobuf::io::CopyingInputStreamAdaptor adaptor(&stream);
        protobuf::io::CodedInputStream in(&adaptor);
        walk(in, *::onnx::ModelProto::descriptor(), 0);
        if (!in.ConsumedEntireMessage()) refuse();
    }

private:
    static constexpr int deepest = 100;  // protobuf's own limit
    /// What the reader makes of a node: its value's name and layout, and perhaps a node of the network.
    static constexpr std::uint64_t of_node = 1024;

    [[noreturn]] void refuse() const { file_->refuse("is no ONNX model: protobuf cannot parse it"); }

    void add(std::uint64_t bytes) {
        if (bytes > limit_ - total_)
            file_->refuse("would take more than ", limit_, " bytes of memory, too many for a file of ",
                          file_->size());
        total_ += bytes;
    }

    std::uint64_t size_of(protobuf::Descriptor const& message) {
        auto const [at, is_new] = sizes_.try_emplace(&message, 0);
        if (is_new) {
            auto* const factory = protobuf::MessageFactory::generated_factory();
            at->second = static_cast<std::uint64_t>(factory->GetPrototype(&message)->SpaceUsedLong()) + 32;
            if (&message == ::onnx::NodeProto::descriptor()) at->second += of_node;
        }
        return at->second;
    }

    void walk(protobuf::io::CodedInputStream& in, protobuf::Descriptor const& message, int depth) {
        if (depth > deepest) file_->refuse("nests messages deeper than ", deepest);
        add(size_of(message));
        while (auto const tag = in.ReadTag()) {
            auto const* field = message.FindFieldByNumber(static_cast<int>(tag >> 3U));
            std::uint64_t number = 0;
            std::uint32_t half = 0;
            unsigned const kind = tag & 7U;
            if (kind == 2)
                walk_block(in, field, depth);
            else if ((kind == 0 && in.ReadVarint64(&number)) ||
                     (kind == 1 && in.ReadLittleEndian64(&number)) ||
                     (kind == 5 && in.ReadLittleEndian32(&half)))
                add(32);
            else  // the file ends, or has groups, which ONNX does not use
                refuse();
        }
    }

    void walk_block(protobuf::io::CodedInputStream& in, protobuf::FieldDescriptor const* field, int depth) {
        std::uint32_t length = 0;
        if (!in.ReadVarint32(&length) || length > file_->size()) refuse();
        auto const kind = field == nullptr ? protobuf::FieldDescriptor::CPPTYPE_STRING : field->cpp_type();
        if (kind == protobuf::FieldDescriptor::CPPTYPE_STRING) {
            add(std::uint64_t{64} + length);
            if (!in.Skip(static_cast<int>(length))) refuse();
            return;
        }
        auto const outer = in.PushLimit(static_cast<int>(length));
        if (kind == protobuf::FieldDescriptor::CPPTYPE_MESSAGE)
            walk(in, *field->message_type(), depth + 1);
        else if (kind == protobuf::FieldDescriptor::CPPTYPE_FLOAT ||
                 kind == protobuf::FieldDescriptor::CPPTYPE_DOUBLE) {
            add(std::uint64_t{2} * length);  // arrays grow by doubling
            if (!in.Skip(static_cast<int>(length))) refuse();
        } else {
            add(32);
            for (std::uint64_t number = 0; in.BytesUntilLimit() > 0; add(16))
                if (!in.ReadVarint64(&number)) refuse();
        }
        if (in.BytesUntilLimit() != 0) refuse();
        in.PopLimit(outer);
    }

    input_file* file_;
    std::uint64_t limit_, total_ = 0;
    std::map<protobuf::Descriptor const*, std::uint64_t> sizes_;
};

/// Throws `file_error` where the file is no message, or would take more than six times its size and 32 MiB.
inline void parse_model(input_file& file, ::onnx::ModelProto& model) {
    constexpr std::uint64_t longest = std::numeric_limits<int>::max();
    if (file.size() > longest)
        file.refuse("has ", file.size(), " bytes, and protobuf reads at most ", longest,
                    "; keep the weights of larger models in external files");
    memory_estimate(file, 6 * file.size() + (std::uint64_t{32} << 20U)).run();
    file_stream stream(file);
    protobuf::io::CopyingInputStreamAdaptor adaptor(&stream);
    if (!model.ParseFromZeroCopyStream(&adaptor)) file.refuse("is no ONNX model: protobuf cannot parse it");
}

}  // namespace spinet::detail::onnx_reading
