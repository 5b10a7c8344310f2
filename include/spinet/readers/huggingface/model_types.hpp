// SPDX-License-Identifier: BSD-3-Clause
/// The models of Hugging Face's transformers that spinet knows: from a config.json and the names of the
/// tensors to an architecture.
#pragma once

#include <spinet/error.hpp>
#include <spinet/network/tensor.hpp>
#include <spinet/readers/architecture.hpp>
#include <spinet/readers/huggingface/config.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spinet::detail {

/// Where normalisations stand in a block: after each sum, before each branch, or before both branches, which
/// read the same sum.
enum class block_order { after, before, parallel };

/// What the modeling file of a type (https://github.com/huggingface/transformers,
/// src/transformers/models/TYPE/ modeling_TYPE.py) fixes. Names are those of tensors, without ".weight",
/// after the prefix of the model.
struct transformer_type {
    std::string_view model_type = "";
    std::string_view base = "";                      ///< the prefix where there is a head
    std::string_view words = "";                     ///< the embedding; of images, the projection of patches
    std::string_view positions = "";                 ///< empty: rotary
    std::string_view types = "";                     ///< token types, of which all tokens have the first
    std::string_view first_norm = "";                ///< of the sum of embeddings
    std::string_view layers = "";                    ///< of layer k: this, k and a dot
    std::array<std::string_view, 4> attention = {};  ///< query, key, value, output; or stacked, output
    std::string_view norm_1 = "", norm_2 = "";       ///< before or after attention, and the layers of a token
    std::string_view gate = "", inner = "", outer = "";  ///< the layers of a token; no gate: two layers
    std::string_view last_norm = "";
    block_order order = block_order::after;
    bool causal = false;
    bool rms = false;        ///< RMSNorm
    bool in_out = false;     ///< matrices are stored (in, out)
    bool by_head = false;    ///< stacked query, key and value of each head in turn
    bool gemma = false;      ///< norms scale by 1 + weight, embeddings by sqrt(hidden size)
    double epsilon = 1e-12;  ///< where config.json has none
    std::size_t first_position = 0;
    std::string_view activation = "gelu";
};

inline constexpr transformer_type bert_type{.model_type = "bert",
                                            .base = "bert.",
                                            .words = "embeddings.word_embeddings",
                                            .positions = "embeddings.position_embeddings",
                                            .types = "embeddings.token_type_embeddings",
                                            .first_norm = "embeddings.LayerNorm",
                                            .layers = "encoder.layer.",
                                            .attention = {"attention.self.query", "attention.self.key",
                                                          "attention.self.value", "attention.output.dense"},
                                            .norm_1 = "attention.output.LayerNorm",
                                            .norm_2 = "output.LayerNorm",
                                            .inner = "intermediate.dense",
                                            .outer = "output.dense"};

inline constexpr transformer_type llama_type{
    .model_type = "llama",
    .base = "model.",
    .words = "embed_tokens",
    .layers = "layers.",
    .attention = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"},
    .norm_1 = "input_layernorm",
    .norm_2 = "post_attention_layernorm",
    .gate = "mlp.gate_proj",
    .inner = "mlp.up_proj",
    .outer = "mlp.down_proj",
    .last_norm = "norm",
    .order = block_order::before,
    .causal = true,
    .rms = true,
    .epsilon = 1e-6,
    .activation = "silu"};

inline constexpr transformer_type distilbert_type{
    .model_type = "distilbert",
    .base = "distilbert.",
    .words = "embeddings.word_embeddings",
    .positions = "embeddings.position_embeddings",
    .first_norm = "embeddings.LayerNorm",
    .layers = "transformer.layer.",
    .attention = {"attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin"},
    .norm_1 = "sa_layer_norm",
    .norm_2 = "output_layer_norm",
    .inner = "ffn.lin1",
    .outer = "ffn.lin2"};

inline constexpr transformer_type vit_type{
    .model_type = "vit",
    .base = "vit.",
    .words = "embeddings.patch_embeddings.projection",
    .positions = "embeddings.position_embeddings",
    .layers = "encoder.layer.",
    .attention = {"attention.attention.query", "attention.attention.key", "attention.attention.value",
                  "attention.output.dense"},
    .norm_1 = "layernorm_before",
    .norm_2 = "layernorm_after",
    .inner = "intermediate.dense",
    .outer = "output.dense",
    .last_norm = "layernorm",
    .order = block_order::before};

inline constexpr transformer_type gpt2_type{.model_type = "gpt2",
                                            .base = "transformer.",
                                            .words = "wte",
                                            .positions = "wpe",
                                            .layers = "h.",
                                            .attention = {"attn.c_attn", "attn.c_proj"},
                                            .norm_1 = "ln_1",
                                            .norm_2 = "ln_2",
                                            .inner = "mlp.c_fc",
                                            .outer = "mlp.c_proj",
                                            .last_norm = "ln_f",
                                            .order = block_order::before,
                                            .causal = true,
                                            .in_out = true,
                                            .epsilon = 1e-5,
                                            .activation = "gelu_new"};

inline constexpr transformer_type gpt_neox_type{.model_type = "gpt_neox",
                                                .base = "gpt_neox.",
                                                .words = "embed_in",
                                                .layers = "layers.",
                                                .attention = {"attention.query_key_value", "attention.dense"},
                                                .norm_1 = "input_layernorm",
                                                .norm_2 = "post_attention_layernorm",
                                                .inner = "mlp.dense_h_to_4h",
                                                .outer = "mlp.dense_4h_to_h",
                                                .last_norm = "final_layer_norm",
                                                .order = block_order::parallel,
                                                .causal = true,
                                                .by_head = true,
                                                .epsilon = 1e-5};

[[nodiscard]] constexpr transformer_type renamed(transformer_type of, std::string_view model_type,
                                                 std::string_view base) {
    of.model_type = model_type, of.base = base;
    return of;
}
[[nodiscard]] constexpr transformer_type roberta_type() {
    auto type = renamed(bert_type, "roberta", "roberta.");
    type.first_position = 2;  // after that of padding
    return type;
}
[[nodiscard]] constexpr transformer_type gemma_type() {
    auto type = renamed(llama_type, "gemma", "model.");
    type.gemma = true, type.activation = "gelu_pytorch_tanh";
    return type;
}

inline constexpr std::array<transformer_type, 10> transformer_types{
    {bert_type, roberta_type(), distilbert_type, vit_type, gpt2_type, gpt_neox_type, llama_type,
     renamed(llama_type, "mistral", "model."), renamed(llama_type, "qwen2", "model."), gemma_type()}};

[[nodiscard]] inline transformer_type const* find_transformer(std::string_view model_type) noexcept {
    for (auto const& each : transformer_types)
        if (each.model_type == model_type) return &each;
    return nullptr;
}
[[nodiscard]] inline bool is_known_model(std::string_view model_type) noexcept {
    return model_type == "resnet" || find_transformer(model_type) != nullptr;
}

/// transformers' name of an activation (activations.py, ACT2FN).
[[nodiscard]] inline std::string activation_of(std::string const& name) {
    if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast") return "gelu_tanh";
    if (name == "swish") return "silu";
    if (name == "linear") return "identity";
    for (auto const* known : {"relu", "gelu", "silu", "tanh", "sigmoid", "softplus", "identity"})
        if (name == known) return name;
    throw error("config.json names the activation ", in_quotes(name), ", which spinet does not know");
}

/// Builds the architecture of one model from its config and the tensors of its file.
class model_builder {
public:
    model_builder(model_config const& config, listed_tensors const& tensors, std::vector<std::size_t> shape)
        : config_(&config), tensors_(&tensors), shape_(std::move(shape)) {}

    /// No nodes, and a note, where the tensors are not those of the model.
    [[nodiscard]] network_architecture run() {
        auto const type = config_->text_of({"model_type"}, "");
        auto const* const transformer = find_transformer(type);
        std::string const anchor =
            transformer != nullptr ? std::string(transformer->words) : "embedder.embedder.convolution";
        if (!find_prefix(anchor + ".weight", transformer != nullptr ? transformer->base : "resnet.")) {
            made_.notes.push_back(text("config.json beside it is of a model of type ", in_quotes(type),
                                       ", but there is no tensor ", in_quotes(anchor + ".weight"),
                                       ": it was not used"));
            return std::move(made_);
        }
        refuse_variants();
        made_.notes.push_back(text("the architecture is that of model_type ", in_quotes(type),
                                   " in the config.json beside it"));
        made_.buffers = {
            ".attn.bias",           ".attn.masked_bias", ".attention.bias",     ".attention.masked_bias",
            ".rotary_emb.inv_freq", ".position_ids",     ".num_batches_tracked"};
        if (transformer != nullptr)
            add_transformer(*transformer);
        else
            add_resnet();
        return std::move(made_);
    }

private:
    // --- names and nodes

    [[nodiscard]] bool has(std::string const& name) const { return tensors_->count(name) != 0; }
    [[nodiscard]] bool has_layer(std::string const& name) const { return has(name + ".weight"); }

    /// What stands before the tensor that every model of the type has: nothing, the name of the base model,
    /// or more where a wrapper added its own. Of several, the shortest.
    [[nodiscard]] bool find_prefix(std::string const& anchor, std::string_view base) {
        std::optional<std::string> found;
        for (auto const& each : *tensors_) {
            std::string_view const name = each.first;
            if (!name.ends_with(anchor)) continue;
            auto const before = name.substr(0, name.size() - anchor.size());
            if ((before.empty() || before.back() == '.') && (!found || before.size() < found->size()))
                found = before;
        }
        if (!found) return false;
        body_ = *found;
        root_ = body_.ends_with(base) ? body_.substr(0, body_.size() - base.size()) : body_;
        return true;
    }

    /// What changes the equations and is not read from here.
    void refuse_variants() const {
        if (config_->has("quantization_config"))
            throw error(
                "config.json says that the weights are quantised (quantization_config): give the model "
                "in float16, bfloat16 or float32");
        if (config_->text_of({"position_embedding_type"}, "absolute") != "absolute")
            throw error(
                "config.json: 'position_embedding_type' is not 'absolute', the only one that spinet has");
        for (auto const* key : {"add_cross_attention", "scale_attn_by_inverse_layer_idx"})
            if (config_->flag(key, false))
                throw error("config.json: ", in_quotes(key), " is true, which spinet does not have");
    }

    node_spec& add(std::string name, char const* op, std::vector<std::string> inputs = {}) {
        made_.nodes.push_back({std::move(name), op, std::move(inputs)});
        return made_.nodes.back();
    }
    [[nodiscard]] std::string const& last() const { return made_.nodes.back().name; }
    void add_activation(std::string const& after, std::string const& kind) {
        add(after + ".activation", "activation").kind = kind;
    }
    node_spec& add_dense(std::string const& name, bool in_out = false) {
        auto& made = add(name, "dense");
        if (in_out) made.in_out = true;
        return made;
    }

    // --- transformers

    void add_norm(std::string const& name, std::vector<std::string> inputs = {}) {
        if (!has_layer(name) && !has(name + ".gamma"))
            throw error("there is no tensor ", in_quotes(name + ".weight"), ", which config.json asks for");
        auto& made = add(name, "layer_normalisation", std::move(inputs));
        made.epsilon = epsilon_;
        if (type_->rms) made.centred = false;
        if (type_->gemma) made.plus_one = true;
    }

    void add_transformer(transformer_type const& type) {
        type_ = &type;
        epsilon_ = config_->number({"layer_norm_eps", "layer_norm_epsilon", "rms_norm_eps"}, type.epsilon);
        activation_ =
            activation_of(type.gemma ? config_->text_of({"hidden_activation"}, std::string(type.activation))
                                     : config_->text_of({"hidden_act", "activation_function", "activation"},
                                                        std::string(type.activation)));
        made_.complete = body_ + std::string(type.layers);
        if (type.model_type == "vit")
            add_patches();
        else
            add_tokens();
        if (!type.first_norm.empty()) add_norm(body_ + std::string(type.first_norm));
        std::size_t const layers = config_->count({"num_hidden_layers", "n_layer", "n_layers"});
        for (std::size_t k = 0; k < layers; ++k) add_block(text(body_, type.layers, k, "."));
        if (!type.last_norm.empty()) add_norm(body_ + std::string(type.last_norm));
        add_heads();
    }

    void add_tokens() {
        add("tokens", "input").shape = shape_.empty() ? value_shape{1} : shape_;
        if (shape_.size() > 1)
            throw error("the input of a model of tokens has a shape of one number, how many, not ",
                        tuple_text(shape_));
        auto& words = add(body_ + std::string(type_->words), "embedding");
        if (type_->gemma) words.factor = std::sqrt(static_cast<double>(config_->count({"hidden_size"})));
        std::string const types = body_ + std::string(type_->types);
        if (!type_->types.empty() && has_layer(types)) add(types, "offset").index = 0;
        if (type_->positions.empty()) return;
        auto& positions = add(body_ + std::string(type_->positions), "offset");
        if (type_->first_position != 0) positions.first = type_->first_position;
    }

    /// A convolution whose windows do not overlap is one layer for all patches: a step is a patch, its
    /// numbers in the order of the kernel.
    void add_patches() {
        std::size_t const channels = config_->count({"num_channels"}, 3);
        auto const pair = [&](char const* key, std::size_t otherwise) {
            auto sides = config_->counts(key, {otherwise});
            if (sides.size() == 1) sides.push_back(sides[0]);
            if (sides.size() != 2)
                throw error("config.json: ", in_quotes(key), " has ", sides.size(), " numbers");
            return sides;
        };
        auto const image = shape_.size() == 3 ? std::vector(shape_.begin() + 1, shape_.end())
                                              : pair("image_size", 224),
                   patch = pair("patch_size", 16);
        if (!shape_.empty() && (shape_.size() != 3 || shape_[0] != channels))
            throw error("the input has a shape of (", channels, ", height, width), not ", tuple_text(shape_));
        std::size_t const patches = (image[0] / patch[0]) * (image[1] / patch[1]);
        std::size_t const numbers = channels * patch[0] * patch[1], hidden = config_->count({"hidden_size"});
        add("patches", "input").shape = {patches, numbers};
        made_.notes.push_back(text("the input is ", patches, " patches of ", channels, " x ", patch[0], " x ",
                                   patch[1], " pixels, row by row, each laid flat"));
        add_dense(body_ + std::string(type_->words)).shape = {hidden, numbers};
        add(body_ + "embeddings.cls_token", "leading_step").shape = {hidden};
        add(body_ + std::string(type_->positions), "offset").shape = {patches + 1, hidden};
    }

    void add_attention(std::string const& prefix, std::vector<std::string> inputs) {
        auto& made = add(prefix + "attention", "attention", std::move(inputs));
        made.weights = prefix.substr(0, prefix.size() - 1);
        for (auto const name : type_->attention)
            if (!name.empty()) made.names.emplace_back(name);
        made.heads = config_->count({"num_attention_heads", "n_head", "n_heads"});
        if (type_->causal || config_->flag("is_decoder", false)) made.causal = true;
        if (type_->in_out) made.in_out = true;
        if (type_->by_head) made.by_head = true;
        bool const rotary = type_->positions.empty();
        if (rotary && !type_->by_head) made.key_value_heads = key_value_heads(*made.heads);
        if (!rotary) return;
        made.rotary =
            type_->by_head
                ? config_->number(
                      {"rotary_pct", "partial_rotary_factor", "rope_parameters.partial_rotary_factor"}, 0.25)
                : config_->number({"partial_rotary_factor", "rope_parameters.partial_rotary_factor"}, 1);
        made.rotary_base =
            config_->number({"rope_theta", "rotary_emb_base", "rope_parameters.rope_theta"}, 10000);
        auto const scaled = config_->text_of(
            {"rope_scaling.rope_type", "rope_scaling.type", "rope_parameters.rope_type"}, "default");
        if (scaled != "default" && made_.notes.size() < 2)
            made_.notes.push_back(
                text("left out: the scaling of rotary angles, of type ", in_quotes(scaled)));
    }
    [[nodiscard]] std::size_t key_value_heads(std::size_t heads) const {
        return config_->count({"num_key_value_heads"},
                              type_->model_type == "mistral" && heads % 8 == 0 ? 8 : heads);
    }

    /// The layers of a token, at `prefix`; the last node is their result.
    void add_token_layers(std::string const& prefix, std::string const& reads) {
        auto const named = [&](std::string_view part) { return prefix + std::string(part); };
        auto read_by = [&](node_spec& of) { of.inputs = {reads}; };
        if (type_->gate.empty()) {
            read_by(add_dense(named(type_->inner), type_->in_out));
            add_activation(named(type_->inner), activation_);
        } else {
            read_by(add_dense(named(type_->gate)));
            add_activation(named(type_->gate), activation_);
            read_by(add_dense(named(type_->inner)));
            add(named("mlp.product"), "product", {named(type_->gate) + ".activation", named(type_->inner)});
        }
        add_dense(named(type_->outer), type_->in_out);
    }

    void add_block(std::string const& prefix) {
        auto const named = [&](std::string_view part) { return prefix + std::string(part); };
        std::string const source = last();
        bool const parallel =
            type_->order == block_order::parallel && config_->flag("use_parallel_residual", true);
        if (type_->order == block_order::after) {
            add_attention(prefix, {source});
            add(named("sum_1"), "addition", {source, named("attention")});
            add_norm(named(type_->norm_1));
            add_token_layers(prefix, named(type_->norm_1));
            add(named("sum_2"), "addition", {named(type_->norm_1), named(type_->outer)});
            add_norm(named(type_->norm_2));
            return;
        }
        add_norm(named(type_->norm_1), {source});
        add_attention(prefix, {named(type_->norm_1)});
        add(named("sum_1"), "addition", {source, named("attention")});
        add_norm(named(type_->norm_2), {parallel ? source : named("sum_1")});
        add_token_layers(prefix, named(type_->norm_2));
        add(named("sum_2"), "addition", {named("sum_1"), named(type_->outer)});
    }

    // --- heads

    /// Those whose tensors are in the file; each reads the last states, one of them, or what is pooled of
    /// them.
    void add_heads() {
        std::string const states = last();
        auto const first_of = [&](std::string const& name) { add(name, "select_step", {states}).index = 0; };
        std::string pooled;
        std::string const pooler = body_ + "pooler.dense";
        if (has_layer(pooler)) {
            first_of("first state");
            add_dense(pooler);
            add_activation(pooler, "tanh");
            pooled = last();
        }
        auto const layer = [&](std::string const& name, std::string const& reads) {
            if (has_layer(root_ + name)) add_dense(root_ + name).inputs = {reads};
        };
        auto const small_head = [&](char const* inner, char const* kind, char const* outer) {
            if (!has_layer(root_ + inner)) return;
            first_of("state of the class");
            add_dense(root_ + inner);
            add_activation(root_ + inner, kind);
            add_dense(root_ + outer);
        };
        layer("qa_outputs", states);
        layer("cls.seq_relationship", pooled.empty() ? states : pooled);
        add_word_heads(states);
        small_head("pre_classifier", "relu", "classifier");
        small_head("classifier.dense", "tanh", "classifier.out_proj");
        if (has_layer(root_ + "score")) {
            add("last state", "select_step", {states});
            layer("score", "last state");
        }
        if (!has_layer(root_ + "classifier") || has_layer(root_ + "pre_classifier")) return;
        if (type_->model_type == "vit") first_of("state of the class");
        layer("classifier", type_->model_type == "vit" ? "state of the class"
                            : pooled.empty()           ? states
                                                       : pooled);
    }

    /// Of language models: a layer of all words, whose weights may be those of the embedding; BERT and its
    /// kin have a layer and a normalisation before it.
    struct word_head {
        std::string_view inner, norm, outer, bias;
    };
    void add_word_heads(std::string const& states) {
        static constexpr word_head heads[] = {
            {"cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm",
             "cls.predictions.decoder", "cls.predictions.bias"},
            {"lm_head.dense", "lm_head.layer_norm", "lm_head.decoder", "lm_head.bias"},
            {"vocab_transform", "vocab_layer_norm", "vocab_projector", "vocab_projector.bias"}};
        for (auto const& head : heads) {
            auto const named = [&](std::string_view part) { return root_ + std::string(part); };
            if (!has_layer(named(head.inner))) continue;
            add_dense(named(head.inner)).inputs = {states};
            add_activation(named(head.inner), head.inner == "lm_head.dense" ? "gelu" : activation_);
            add_norm(named(head.norm));
            auto& words = add_dense(named(head.outer));
            if (!has_layer(named(head.outer))) words.weights = body_ + std::string(type_->words);
            if (has(named(head.bias))) words.bias = named(head.bias);
            return;
        }
        for (auto const* name : {"lm_head", "embed_out"})
            if (has_layer(root_ + name)) {
                add_dense(root_ + name).inputs = {states};
                return;
            }
        bool const of_words = config_->any_ends_with("architectures", "LMHeadModel") ||
                              config_->any_ends_with("architectures", "ForCausalLM");
        if (of_words && config_->flag("tie_word_embeddings", true)) {
            auto& words = add_dense(root_ + "lm_head");
            words.inputs = {states};
            words.weights = body_ + std::string(type_->words);
            made_.notes.push_back("the weights of the head, " + in_quotes(words.name) +
                                  ", are those of the embedding");
        }
    }

    // --- ResNet

    /// Convolution, batch normalisation and, with a kind, its activation; the stride of both axes.
    void add_convolution(std::string const& prefix, std::size_t stride, std::string const& kind,
                         std::vector<std::string> inputs) {
        auto const name = prefix + ".convolution";
        auto const listed = tensors_->find(name + ".weight");
        if (listed == tensors_->end())  // at once: depths can be anything
            throw error("there is no tensor ", in_quotes(name + ".weight"), ", which config.json asks for");
        auto const& shape = listed->second.shape;
        std::size_t const kernel = shape.size() == 4 ? static_cast<std::size_t>(shape[3]) : 1;
        auto& made = add(name, "convolution", std::move(inputs));
        made.stride = {stride, stride};
        made.padding = {kernel / 2, kernel / 2};
        add(prefix + ".normalization", "batch_normalisation");
        if (!kind.empty()) add_activation(prefix, kind);
    }

    void add_resnet() {
        auto const kind = activation_of(config_->text_of({"hidden_act"}, "relu"));
        auto const type = config_->text_of({"layer_type"}, "bottleneck");
        if (type != "basic" && type != "bottleneck")
            throw error("config.json: 'layer_type' is ", in_quotes(type), ", not basic or bottleneck");
        std::size_t const channels = config_->count({"num_channels"}, 3);
        if (!shape_.empty() && shape_.size() != 3)
            throw error("the input has a shape of (", channels, ", height, width), not ", tuple_text(shape_));
        made_.complete = body_ + "encoder.";
        add("image", "input").shape = shape_.empty() ? value_shape{channels, 224, 224} : shape_;
        add_convolution(body_ + "embedder.embedder", 2, kind, {});
        auto& pool = add(body_ + "embedder.pooler", "pooling");
        pool.kind = "maximum";
        pool.window = {3, 3}, pool.stride = {2, 2}, pool.padding = {1, 1};
        auto const depths = config_->counts("depths", {3, 4, 6, 3});
        for (std::size_t s = 0; s < depths.size(); ++s)
            for (std::size_t k = 0; k < depths[s]; ++k) {
                bool const halves = k == 0 && (s > 0 || config_->flag("downsample_in_first_stage", false));
                add_residual(text(body_, "encoder.stages.", s, ".layers.", k), type == "basic",
                             halves ? 2 : 1, kind);
            }
        add(body_ + "pooler", "pooling").kind = "average";
        add(body_ + "flat", "flatten");
        if (has_layer(root_ + "classifier.1")) add_dense(root_ + "classifier.1");
    }

    void add_residual(std::string const& prefix, bool basic, std::size_t stride, std::string const& kind) {
        auto const source = last();
        bool const early = config_->flag("downsample_in_bottleneck", false);
        std::size_t const count = basic ? 2 : 3, striding = basic || early ? 0 : 1;
        for (std::size_t k = 0; k < count; ++k)
            add_convolution(text(prefix, ".layer.", k), k == striding ? stride : 1, k + 1 < count ? kind : "",
                            {last()});
        auto const made = last();
        auto shortcut = source;
        if (has_layer(prefix + ".shortcut.convolution")) {
            add_convolution(prefix + ".shortcut", stride, "", {source});
            shortcut = last();
        }
        add(prefix + ".sum", "addition", {made, shortcut});
        add_activation(prefix, kind);
    }

    model_config const* config_;
    listed_tensors const* tensors_;
    std::vector<std::size_t> shape_;  ///< of the input; empty: the usual one
    network_architecture made_;
    std::string body_, root_;  ///< prefixes of the names of the model and of its heads
    transformer_type const* type_ = nullptr;
    double epsilon_ = 0;
    std::string activation_;
};

}  // namespace spinet::detail
