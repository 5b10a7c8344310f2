// SPDX-License-Identifier: BSD-3-Clause
/// Files that are there whole or not at all: atomic writes, checkpoints and every way to damage them, CSV.
#include "../files.hpp"
#include <spinet/io/checkpoint_file.hpp>
#include <spinet/io/curve_csv.hpp>
#include <spinet/io/progress_bar.hpp>
#include <spinet/kernel/glauber.hpp>
#include <spinet/model/factories.hpp>
#include <spinet/sample.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace spinet;
using namespace network_test;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

std::size_t files_in(fs::path const& directory) {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

checkpoint small_checkpoint() {
    checkpoint made;
    made.identity = 0x0123456789abcdefu;
    made.version = "1.2.3";
    made.temperatures = {0.5, 1.0, 2.0};
    made.sweeps_done = 77;
    for (int k = 0; k < 50; ++k) made.state.push_back(static_cast<std::byte>(k * 7));
    return made;
}

void check_equal(checkpoint const& a, checkpoint const& b) {
    CHECK(a.identity == b.identity);
    CHECK(a.version == b.version);
    CHECK(a.temperatures == b.temperatures);
    CHECK(a.sweeps_done == b.sweeps_done);
    CHECK(a.state == b.state);
}

/// The file without its hash, changed, with the right hash again: what only the reader's own checks can
/// refuse.
std::string rehashed(std::string file) {
    file.resize(file.size() - 8);
    std::uint64_t const hash = detail::fingerprint().add(std::span<char const>(file)).value();
    file.append(reinterpret_cast<char const*>(&hash), sizeof hash);
    return file;
}

using small_run = run<energy, overlap>;

std::string bytes_of_run(small_run const& of) {
    archive_writer out;
    for (auto const& of_observable : of.recorders)
        for (auto const& at_temperature : of_observable) at_temperature.save(out);
    out.put(of.exchange.attempted);
    out.put(of.exchange.accepted);
    out.put(of.exchange.round_trips);
    out.put_value(of.sweeps_done);
    auto const bytes = std::move(out).take();
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

curve_point some_point(double temperature) {
    curve_point p;
    p.temperature = temperature;
    p.value = 1.0 / 3;
    p.error = 0.001;
    p.tau = 12.5;
    p.effective_samples = 345678;
    p.equilibrated = temperature > 1;
    return p;
}

}  // namespace

TEST_CASE("write_atomically writes whole files and leaves nothing beside them", "[io]") {
    temporary_directory const directory;
    auto const path = directory.path() / "file with space.txt";
    std::string const binary{"a\0b\r\n\xff", 6};
    write_atomically(path, binary);
    CHECK(read_whole(path) == binary);
    write_atomically(path, "");
    CHECK(read_whole(path).empty());
    write_atomically(path, std::string(3'000'000, 'x'));
    CHECK(read_whole(path) == std::string(3'000'000, 'x'));
    directory.write("file with space.txt.part", "left behind by a crash");
    write_atomically(path, "new");
    CHECK(read_whole(path) == "new");
    CHECK(files_in(directory.path()) == 1);
}

TEST_CASE("a symbolic link stays, and what it leads to is written", "[io]") {
    temporary_directory const directory;
    auto const target = directory.write("target", "old");
    fs::create_directory(directory.path() / "sub");
    fs::create_symlink(target, directory.path() / "absolute");
    fs::create_symlink("target", directory.path() / "relative");
    fs::create_symlink("../relative", directory.path() / "sub" / "twice");
    fs::create_symlink("not yet", directory.path() / "dangling");
    for (auto const* const name : {"absolute", "relative", "sub/twice"}) {
        auto const link = directory.path() / name;
        check_writable(link);
        CHECK(read_whole(target) != name);
        write_atomically(link, name);
        CHECK(fs::is_symlink(link));
        CHECK_FALSE(fs::is_symlink(target));
        CHECK(read_whole(target) == name);
    }
    write_atomically(directory.path() / "dangling", "new");
    CHECK(fs::is_symlink(directory.path() / "dangling"));
    CHECK(read_whole(directory.path() / "not yet") == "new");
    CHECK(files_in(directory.path()) == 6);
    // Links to a directory, to a device and round in a circle.
    fs::create_symlink("sub", directory.path() / "to directory");
    fs::create_symlink("/dev/null", directory.path() / "to device");
    fs::create_symlink("round", directory.path() / "round");
    for (auto const& [name, why] : std::vector<std::pair<std::string, std::string>>{
             {"to directory", "cannot be written: it is a directory"},
             {"to device", "cannot be written: it is not a regular file"},
             {"round", "cannot be written: too many symbolic links"}}) {
        auto const link = directory.path() / name;
        CHECK(refusal(link, [&] { write_atomically(link, "x"); }) == why);
        CHECK(refusal(link, [&] { check_writable(link); }) == why);
        CHECK(fs::is_symlink(link));
    }
}

TEST_CASE("what a process has open is no file to be replaced", "[io]") {
    // As a shell does with `> target`: /dev/stdout then leads to a regular file.
    if (!fs::exists("/proc/self/fd")) return;
    temporary_directory const directory;
    auto const target = directory.write("target", "old");
    std::FILE* const open = std::fopen(target.c_str(), "r");
    REQUIRE(open != nullptr);
    for (std::string const where : {"/proc/self/fd/", "/dev/fd/"}) {
        auto const name = where + std::to_string(::fileno(open));
        if (!fs::exists(name)) continue;
        fs::path const link = directory.path() / "link";
        fs::remove(link);
        fs::create_symlink(name, link);
        for (fs::path const& path : {fs::path(name), link}) {
            CHECK_THAT(refusal(path, [&] { write_atomically(path, "x"); }), ContainsSubstring("has open"));
            CHECK_THAT(refusal(path, [&] { check_writable(path); }), ContainsSubstring("has open"));
        }
    }
    std::fclose(open);
    CHECK(read_whole(target) == "old");
    CHECK(files_in(directory.path()) == 2);
}

TEST_CASE("a write that fails leaves the old file and no partial one", "[io]") {
    temporary_directory const directory;
    auto const path = directory.write("old", "old content");
    // A disk that is full: the partial file leads to /dev/full.
    if (fs::exists("/dev/full")) {
        fs::create_symlink("/dev/full", directory.path() / "old.part");
        CHECK_THAT(refusal(path, [&] { write_atomically(path, std::string(100'000, 'x')); }),
                   ContainsSubstring("cannot be written: write: No space left"));
        CHECK(read_whole(path) == "old content");
        CHECK(files_in(directory.path()) == 1);
        // Short enough to fit the buffer: only the flush can fail.
        fs::create_symlink("/dev/full", directory.path() / "old.part");
        CHECK_THAT(refusal(path, [&] { write_atomically(path, "x"); }),
                   ContainsSubstring("cannot be written: write: No space left"));
        CHECK(read_whole(path) == "old content");
        CHECK(files_in(directory.path()) == 1);
    }
    auto const missing = directory.path() / "no" / "such" / "file";
    CHECK_THAT(refusal(missing, [&] { write_atomically(missing, "x"); }),
               ContainsSubstring("cannot be written: open: No such file"));
    CHECK_THAT(refusal(missing, [&] { check_writable(missing); }),
               ContainsSubstring("cannot be written: No such file"));
    CHECK(refusal(directory.path(), [&] { write_atomically(directory.path(), "x"); }) ==
          "cannot be written: it is a directory");
    CHECK(refusal(directory.path(), [&] { check_writable(directory.path()); }) ==
          "cannot be written: it is a directory");
    CHECK_FALSE(fs::exists(directory.path().string() + ".part"));
    // A rename would replace the device by a file.
    if (fs::exists("/dev/null")) {
        CHECK(refusal("/dev/null", [] { write_atomically("/dev/null", "x"); }) ==
              "cannot be written: it is not a regular file");
        CHECK(refusal("/dev/null", [] { check_writable("/dev/null"); }) ==
              "cannot be written: it is not a regular file");
    }
}

TEST_CASE("paths the system cannot even look up are file errors too", "[io]") {
    temporary_directory const directory;
    std::string const reason = "name too long";
    auto const path = directory.path() / std::string(300, 'n');
    CHECK_THAT(refusal(path, [&] { write_atomically(path, "x"); }), ContainsSubstring(reason));
    CHECK_THAT(refusal(path, [&] { check_writable(path); }), ContainsSubstring(reason));
}

TEST_CASE("what was not written by write_atomically is not removed by it", "[io]") {
    temporary_directory const directory;
    auto const path = directory.path() / "out.csv";
    fs::create_directory(directory.path() / "out.csv.part");
    CHECK_THAT(refusal(path, [&] { write_atomically(path, "x"); }), ContainsSubstring("cannot be written"));
    CHECK(fs::is_directory(directory.path() / "out.csv.part"));
}

TEST_CASE("directories without permission refuse files", "[io]") {
    temporary_directory const directory;
    auto const closed = directory.path() / "closed";
    fs::create_directory(closed);
    fs::permissions(closed, fs::perms::owner_read | fs::perms::owner_exec);
    auto const path = closed / "file";
    if (std::ofstream(path).good()) {  // root may write anywhere
        fs::permissions(closed, fs::perms::owner_all);
        SUCCEED("this user may write into a closed directory");
        return;
    }
    CHECK_THAT(refusal(path, [&] { write_atomically(path, "x"); }),
               ContainsSubstring("cannot be written: open: Permission denied"));
    CHECK_THAT(refusal(path, [&] { check_writable(path); }),
               ContainsSubstring("cannot be written: Permission denied"));
    fs::permissions(closed, fs::perms::owner_all);
    CHECK(files_in(closed) == 0);
}

TEST_CASE("check_writable leaves everything as it was", "[io]") {
    temporary_directory const directory;
    auto const path = directory.write("file", "content");
    check_writable(path);
    CHECK(read_whole(path) == "content");
    check_writable(directory.path() / "new");
    CHECK(files_in(directory.path()) == 1);
}

TEST_CASE("reading what cannot be read is a file error", "[io]") {
    temporary_directory const directory;
    auto const missing = directory.path() / "missing";
    CHECK(refusal(missing, [&] { (void)read_whole(missing); }) == "cannot be opened");
    CHECK(refusal(missing, [&] { (void)load_checkpoint(missing); }) == "cannot be opened");
    CHECK_THAT(refusal(directory.path(), [&] { (void)read_whole(directory.path()); }),
               ContainsSubstring("cannot be"));
    CHECK_THAT(refusal(directory.path(), [&] { (void)load_checkpoint(directory.path()); }),
               ContainsSubstring("cannot be"));
}

TEST_CASE("checkpoints come back as they were", "[io]") {
    temporary_directory const directory;
    auto const path = directory.path() / "run.ckpt";
    save_checkpoint(path, small_checkpoint());
    check_equal(load_checkpoint(path), small_checkpoint());
    save_checkpoint(path, {});
    check_equal(load_checkpoint(path), {});

    checkpoint_set set{
        {"a", small_checkpoint()}, {"", {}}, {"name, with \"all\"\nkinds", small_checkpoint()}};
    set["a"].sweeps_done = std::numeric_limits<std::uint64_t>::max();
    save_checkpoints(path, set);
    auto const loaded = load_checkpoints(path);
    REQUIRE(loaded.size() == 3);
    for (auto const& [name, each] : set) check_equal(loaded.at(name), each);
    CHECK(refusal(path, [&] { (void)load_checkpoint(path); }) == "the checkpoint holds 3 runs, not one");
    save_checkpoints(path, {});
    CHECK(load_checkpoints(path).empty());
    CHECK(refusal(path, [&] { (void)load_checkpoint(path); }) == "the checkpoint holds 0 runs, not one");
    CHECK(files_in(directory.path()) == 1);
}

TEST_CASE("every damaged checkpoint file is refused", "[io]") {
    temporary_directory const directory;
    auto const path = directory.path() / "run.ckpt";
    save_checkpoint(path, small_checkpoint());
    std::string const file = read_whole(path);
    auto const load = [&](std::string const& bytes) {
        directory.write("run.ckpt", bytes);
        return refusal(path, [&] { (void)load_checkpoints(path); });
    };
    for (std::size_t size = 0; size < file.size(); ++size) {
        CAPTURE(size);
        CHECK_THAT(load(file.substr(0, size)),
                   ContainsSubstring("is not a spinet checkpoint") || ContainsSubstring("truncated"));
    }
    for (std::size_t at = 0; at < file.size(); ++at)
        for (int const bit : {0, 3, 7}) {
            CAPTURE(at, bit);
            auto flipped = file;
            flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
            CHECK_THAT(load(flipped), ContainsSubstring("is not a spinet checkpoint") ||
                                          ContainsSubstring("does not match"));
        }
    CHECK_THAT(load(file + '\0'), ContainsSubstring("does not match"));
    CHECK_THAT(load("spinet checkpoint 2\n" + file.substr(20)),
               ContainsSubstring("is not a spinet checkpoint"));
    CHECK_THAT(load("PK\3\4 something else altogether, long enough"),
               ContainsSubstring("is not a spinet checkpoint"));
    CHECK(load(file) == "nothing was thrown");
}

TEST_CASE("checkpoint files whose hash is right but whose content is not are refused", "[io]") {
    temporary_directory const directory;
    auto const path = directory.path() / "run.ckpt";
    save_checkpoint(path, small_checkpoint());
    std::string const file = read_whole(path);
    auto const load = [&](std::string const& bytes) {
        directory.write("run.ckpt", rehashed(bytes));
        return refusal(path, [&] { (void)load_checkpoints(path); });
    };
    CHECK(load(file) == "nothing was thrown");
    auto const with = [&](std::size_t at, std::uint64_t value) {
        auto copy = file;
        std::memcpy(copy.data() + at, &value, sizeof value);
        return copy;
    };
    // After the 20 bytes of magic: the number of runs, then the length of the name.
    std::string const early = "the checkpoint is damaged";
    CHECK_THAT(load(with(20, 2)), ContainsSubstring(early));
    CHECK_THAT(load(with(20, std::numeric_limits<std::uint64_t>::max())), ContainsSubstring(early));
    CHECK_THAT(load(with(28, std::uint64_t{1} << 50)), ContainsSubstring(early));
    CHECK_THAT(load(with(28, std::numeric_limits<std::uint64_t>::max())), ContainsSubstring(early));
    for (std::size_t size = 28; size + 8 < file.size(); ++size) {
        CAPTURE(size);
        CHECK_THAT(load(file.substr(0, size) + "hash 8 b"), ContainsSubstring(early));
    }
    // Fewer runs than there are, and bytes behind the last one.
    CHECK_THAT(load(with(20, 0)), ContainsSubstring(early));
    CHECK_THAT(load(file.substr(0, file.size() - 8) + "more" + "hash 8 b"), ContainsSubstring(early));
}

TEST_CASE("a run goes on from its checkpoint file bitwise, and from no other", "[io]") {
    temporary_directory const directory;
    auto const path = directory.path() / "run.ckpt";
    auto const model = random_layered_glass<float>({12, 8, 4}, {0.1, 0.2}, 3);
    auto const method = parallel_tempering(glauber{}, geometric_temperatures(0.5, 2.0, 4));
    observables const measured{energy{}, overlap{}};
    run_plan const plan{
        .replicas = 6, .warmup = 50, .sweeps = 200, .measure_every = 5, .seed = 8, .annealing = 40};
    std::string const whole = bytes_of_run(sample(model, method, measured, plan));

    for (std::uint64_t const stop : {1u, 49u, 50u, 51u, 133u, 244u}) {
        CAPTURE(stop);
        auto const partial = sample(
            model, method, measured, plan, serial{}, checkpoint_every(1e9, path),
            [&](progress const& now) { return now.phase == run_phase::annealing || now.sweeps_done < stop; });
        REQUIRE(partial.sweeps_done < 250);
        auto const loaded = load_checkpoint(path);
        CHECK(loaded.sweeps_done == partial.sweeps_done);
        CHECK(loaded.temperatures == method.temperatures().temperatures());
        CHECK(bytes_of_run(resume(loaded, model, method, measured, plan)) == whole);
        CHECK(bytes_of_run(resume(loaded, model, method, measured, plan, threads(2))) == whole);
    }

    auto const saved = load_checkpoint(path);
    std::string const other =
        "the checkpoint belongs to another model, method, plan or set of observables (of the plan only "
        "`sweeps` may differ, and be 2, 4, 8, ... times as many)";
    auto const with_plan = [&](auto change) {
        auto changed = plan;
        change(changed);
        return error_of([&] { return resume(saved, model, method, measured, changed); });
    };
    CHECK(with_plan([](run_plan&) {}) == "nothing was thrown");
    CHECK(with_plan([](run_plan& p) { p.replicas = 7; }) == other);
    CHECK(with_plan([](run_plan& p) { p.warmup = 51; }) == other);
    CHECK(with_plan([](run_plan& p) { p.sweeps = 205; }) == other);
    CHECK(with_plan([](run_plan& p) { p.sweeps *= 3; }) == other);
    CHECK(with_plan([](run_plan& p) { p.measure_every = 4; }) == other);
    CHECK(with_plan([](run_plan& p) { p.seed = 9; }) == other);
    CHECK(with_plan([](run_plan& p) { p.from = start::hot; }) == other);
    CHECK(with_plan([](run_plan& p) { p.annealing = 41; }) == other);
    CHECK(error_of([&] {
              return resume(saved, random_layered_glass<float>({12, 8, 4}, {0.1, 0.2}, 4), method, measured,
                            plan);
          }) == other);
    CHECK(error_of([&] {
              return resume(saved, random_layered_glass<double>({12, 8, 4}, {0.1, 0.2}, 3), method, measured,
                            plan);
          }) == other);
    CHECK(error_of([&] {
              return resume(saved, model, parallel_tempering(glauber{}, geometric_temperatures(0.5, 2.1, 4)),
                            measured, plan);
          }) == other);
    CHECK(error_of([&] {
              return resume(saved, model,
                            parallel_tempering(glauber{sequential_scan{}}, method.temperatures()), measured,
                            plan);
          }) == other);
    CHECK(error_of([&] {
              return resume(saved, model, fixed_temperatures(glauber{}, method.temperatures()), measured,
                            plan);
          }) == other);
    CHECK(error_of([&] {
              return resume(saved, model, method, observables{overlap{}, energy{}}, plan);
          }) == other);
    CHECK(error_of([&] { return resume(saved, model, method, observables{energy{}}, plan); }) == other);

    // A plan that leaves sweeps over after its last measurement cannot go on, and says why.
    {
        auto uneven = plan;
        uneven.sweeps = 203;
        static_cast<void>(sample(model, method, measured, uneven, serial{}, checkpoint_every(0, path)));
        auto longer = uneven;
        longer.sweeps = 4 * 203;
        CHECK(
            error_of([&] { return resume(load_checkpoint(path), model, method, measured, longer); }) ==
            "the run of the checkpoint measured every 5 of 203 sweeps, which is no multiple: it cannot go on "
            "with more sweeps");
    }
    auto changed = saved;
    changed.version = "0.0.0";
    CHECK_THAT(error_of([&] { return resume(changed, model, method, measured, plan); }),
               ContainsSubstring("written by spinet 0.0.0, this is"));
    changed = saved;
    changed.sweeps_done = 251;
    CHECK_THAT(error_of([&] { return resume(changed, model, method, measured, plan); }),
               ContainsSubstring("more sweeps than its plan"));
    for (std::size_t cut : {std::size_t{1}, std::size_t{8}, saved.state.size() / 2, saved.state.size()}) {
        changed = saved;
        changed.state.resize(saved.state.size() - cut);
        CHECK_THAT(error_of([&] { return resume(changed, model, method, measured, plan); }),
                   ContainsSubstring("damaged"));
    }
    changed = saved;
    changed.state.push_back(std::byte{0});
    CHECK_THAT(error_of([&] { return resume(changed, model, method, measured, plan); }),
               ContainsSubstring("bytes are left over"));
}

TEST_CASE("checkpoint_every keeps the runs that share its file", "[io]") {
    temporary_directory const directory;
    auto const path = directory.path() / "both.ckpt";
    auto const model = random_layered_glass<float>({6, 4}, {0.2}, 3);
    auto const method = parallel_tempering(glauber{}, geometric_temperatures(0.5, 2.0, 3));
    run_plan const plan{.replicas = 4, .warmup = 10, .sweeps = 40, .measure_every = 5, .annealing = 10};
    (void)sample(model, method, observables{energy{}}, plan, serial{},
                 checkpoint_every(0.0, path, "this", {{"other", small_checkpoint()}}));
    auto const loaded = load_checkpoints(path);
    REQUIRE(loaded.size() == 2);
    check_equal(loaded.at("other"), small_checkpoint());
    CHECK(loaded.at("this").sweeps_done == 50);
    auto const gone = directory.path() / "no" / "file";
    CHECK_THROWS_AS(sample(model, method, observables{energy{}}, plan, serial{}, checkpoint_every(0.0, gone)),
                    file_error);
}

TEST_CASE("csv: header, numbers and quoting", "[io]") {
    temporary_directory const directory;
    auto const path = directory.path() / "curve.csv";
    auto mean = some_point(0.5);
    mean.value = 0.25;
    auto const curve_of = [&](std::string const& part) {
        return overlap_curve{part, curve({some_point(0.5), some_point(2)}), curve({mean, mean})};
    };
    write_curves(path, {{"plain", {curve_of("")}},
                        {"a,b", {curve_of("")}},
                        {"say \"x\"", {curve_of("")}},
                        {"two\nlines", {curve_of("")}},
                        {"cr\r", {curve_of("")}}});
    std::string expected =
        "network,temperature,mean_abs_q,mean_abs_q_error,abs_mean_q,tau_int,effective_samples,equilibrated\n";
    for (std::string const label : {"plain", "\"a,b\"", "\"say \"\"x\"\"\"", "\"two\nlines\"", "\"cr\r\""})
        expected += label + ",0.5,0.333333333,0.001,0.25,12.5,345678,0\n" + label +
                    ",2,0.333333333,0.001,0.25,12.5,345678,1\n";
    CHECK(read_whole(path) == expected);
    write_curves(path, {});
    CHECK(read_whole(path) ==
          "network,temperature,mean_abs_q,mean_abs_q_error,abs_mean_q,tau_int,effective_samples,"
          "equilibrated\n");

    auto const layers = layers_path(path);
    CHECK(layers == directory.path() / "curve.layers.csv");
    CHECK(layers_path("dir.x/curve") == fs::path("dir.x/curve.layers"));
    CHECK(layers_path("a.b.csv") == fs::path("a.b.layers.csv"));
    write_layer_curves(layers, {{"net", {curve_of(""), curve_of("input"), curve_of("fc,1")}}});
    CHECK(read_whole(layers) ==
          "network,layer,temperature,mean_abs_q,mean_abs_q_error,abs_mean_q,tau_int,effective_samples,"
          "equilibrated\n"
          "net,input,0.5,0.333333333,0.001,0.25,12.5,345678,0\nnet,input,2,0.333333333,0.001,0.25,12.5,"
          "345678,1\n"
          "net,\"fc,1\",0.5,0.333333333,0.001,0.25,12.5,345678,0\nnet,\"fc,1\",2,0.333333333,0.001,0.25,12.5,"
          "345678,1\n");
}

TEST_CASE("csv: what a run says about its network", "[io]") {
    auto const model = random_layered_glass<float>({10, 6}, {0.3}, 3);
    auto const method = parallel_tempering(glauber{}, geometric_temperatures(0.5, 3.0, 4));
    run_plan const plan{.replicas = 6, .warmup = 20, .sweeps = 200, .measure_every = 5, .annealing = 20};
    auto const result = sample(model, method, observables{energy{}, overlap{}}, plan);
    auto const curves = describe(result, "the net");
    CHECK(curves.network == "the net");
    REQUIRE(curves.parts.size() == 3);
    CHECK(curves.parts[0].part.empty());
    CHECK(curves.parts[1].part == "layer 0");
    CHECK(curves.parts[2].part == "layer 1");
    for (std::size_t part = 0; part < 3; ++part)
        for (std::size_t k = 0; k < 4; ++k) {
            CHECK(curves.parts[part].mean_abs[k].value == mean_abs_overlap(result, part)[k].value);
            CHECK(curves.parts[part].abs_mean[k].value == abs_mean_overlap(result, part)[k].value);
            CHECK(curves.parts[part].mean_abs[k].temperature == method.temperatures()[k]);
        }
}

TEST_CASE("a progress bar never stops a run", "[io]") {
    progress_bar bar("title");
    progress now;
    CHECK(bar(now));  // no total yet
    now = {run_phase::measuring, 5, 10, false, {}};
    CHECK(bar(now));
    now = {run_phase::measuring, 10, 10, true, {}};
    CHECK(bar(now));
}
