// Run this artifact: on a photo, on raw tensors, or on the check data beside this file.
//
//     use ARTIFACT photo.ppm                  the five best classes (convert photo.jpg photo.ppm)
//     use ARTIFACT --raw in_0.bin ... out     any inputs, one file each, in order; writes out_0.bin, ...
//     use ARTIFACT --check                    the outputs of the check data, against the float network's
//
// ARTIFACT is the folder with manifest.json. Copy from here what your program needs: photo_to_input() takes any picture
// in memory, rows of red, green, blue.
//@build

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

using Bytes = std::vector<uint8_t>;

struct Tensor {
    std::string name;
    std::vector<int64_t> shape;
    std::string type;
    float scale;  // real = (stored - zero_point) * scale; 0 where real numbers are stored
    int zero_point;
};

struct Photo {
    int rows, columns;                // of the centre that is taken
    int resize;                       // the short side; 0: to resize_rows by resize_columns
    int resize_rows, resize_columns;
    std::string interpolation;        // nearest, bilinear, bicubic or lanczos
    std::string channels;             // RGB, BGR or L
    std::vector<float> mean, std;     // of values from 0 to 1
    bool baked;                       // the network normalises by itself
    bool channels_last;
};

//@constants

struct Picture {
    int rows, columns, channels;
    Bytes pixels;
};

// ---- A photo, exactly as edgekit prepared those that the artifact was calibrated and verified on ----

struct Taps {
    int first;
    std::vector<int> weights;  // in 2^-22
};

static double sinc(double x) { return x == 0 ? 1 : std::sin(M_PI * x) / (M_PI * x); }

static double kernel(double x, const std::string& interpolation) {
    x = std::abs(x);
    if (interpolation == "bilinear") return x < 1 ? 1 - x : 0;
    if (interpolation == "lanczos") return x < 3 ? sinc(x) * sinc(x / 3) : 0;
    const double a = -0.5;
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

// What each of `made` pixels takes of `given` pixels; the kernel is as wide as the step when the photo becomes smaller.
static std::vector<Taps> taps(int given, int made, const std::string& interpolation) {
    const double reach = interpolation == "bilinear" ? 1 : interpolation == "bicubic" ? 2 : 3;
    const double step = double(given) / made, wide = std::max(step, 1.0), support = reach * wide;
    std::vector<Taps> found(made);
    for (int place = 0; place < made; place++) {
        if (interpolation == "nearest") {
            found[place] = {int((place + 0.5) * step), {1 << 22}};
            continue;
        }
        const double centre = (place + 0.5) * step;
        const int first = std::max(0, int(centre - support + 0.5));
        const int last = std::min(given, int(centre + support + 0.5));
        std::vector<double> weights;
        for (int at = first; at < last; at++) weights.push_back(kernel((at - centre + 0.5) / wide, interpolation));
        const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
        found[place].first = first;
        for (double weight : weights) {
            const double fixed = weight / sum * (1 << 22);
            found[place].weights.push_back(int(fixed < 0 ? fixed - 0.5 : fixed + 0.5));
        }
    }
    return found;
}

// Along columns (`across`) or rows: a byte is rounded after each direction, as in Pillow.
static Picture resized_along(const Picture& photo, int size, bool across, const std::string& interpolation) {
    Picture made{across ? photo.rows : size, across ? size : photo.columns, photo.channels, {}};
    made.pixels.resize(size_t(made.rows) * made.columns * made.channels);
    const auto all = taps(across ? photo.columns : photo.rows, size, interpolation);
    const size_t step = size_t(photo.channels) * (across ? 1 : photo.columns);
    for (int row = 0; row < made.rows; row++)
        for (int column = 0; column < made.columns; column++)
            for (int channel = 0; channel < made.channels; channel++) {
                const Taps& taken = all[across ? column : row];
                const size_t start = across ? size_t(row) * photo.columns + taken.first
                                            : size_t(taken.first) * photo.columns + column;
                const uint8_t* from = photo.pixels.data() + start * photo.channels + channel;
                int sum = 1 << 21;
                for (size_t tap = 0; tap < taken.weights.size(); tap++) sum += from[tap * step] * taken.weights[tap];
                made.pixels[(size_t(row) * made.columns + column) * made.channels + channel] =
                    uint8_t(std::clamp(sum >> 22, 0, 255));
            }
    return made;
}

static Picture grey(const Picture& photo) {
    if (photo.channels == 1) return photo;
    Picture made{photo.rows, photo.columns, 1, Bytes(size_t(photo.rows) * photo.columns)};
    for (size_t at = 0; at < made.pixels.size(); at++) {
        const uint8_t* pixel = &photo.pixels[3 * at];
        made.pixels[at] = uint8_t((pixel[0] * 19595 + pixel[1] * 38470 + pixel[2] * 7471 + 0x8000) >> 16);
    }
    return made;
}

static Picture coloured(const Picture& photo) {
    if (photo.channels == 3) return photo;
    Picture made{photo.rows, photo.columns, 3, {}};
    for (uint8_t pixel : photo.pixels) made.pixels.insert(made.pixels.end(), 3, pixel);
    return made;
}

Bytes photo_to_input(const Picture& given, const Photo& how, const Tensor& spec) {
    Picture photo = how.channels == "L" ? grey(given) : coloured(given);
    int rows = how.resize_rows, columns = how.resize_columns;
    if (how.resize && how.rows == how.columns) {
        const double ratio = std::max(photo.rows, photo.columns), least = std::min(photo.rows, photo.columns);
        const int longer = int(how.resize * ratio / least);
        rows = photo.rows <= photo.columns ? how.resize : longer;
        columns = photo.rows <= photo.columns ? longer : how.resize;
    } else if (how.resize) {
        const double larger = double(how.resize) / std::min(how.rows, how.columns);
        const double ratio = std::min(photo.rows / (how.rows * larger), photo.columns / (how.columns * larger));
        rows = std::max(how.rows, int(std::nearbyint(photo.rows / ratio)));
        columns = std::max(how.columns, int(std::nearbyint(photo.columns / ratio)));
    }
    if (columns != photo.columns) photo = resized_along(photo, columns, true, how.interpolation);
    if (rows != photo.rows) photo = resized_along(photo, rows, false, how.interpolation);
    const int left = int(std::nearbyint((columns - how.columns) / 2.0));
    const int top = int(std::nearbyint((rows - how.rows) / 2.0));
    const size_t values = size_t(how.rows) * how.columns * photo.channels;
    Bytes input(how.baked || spec.scale ? values : values * sizeof(float));
    size_t at = 0;
    for (size_t place = 0; place < values; place++) {
        // In the order in which the input has them: channels last or first.
        const size_t count = photo.channels, area = size_t(how.rows) * how.columns;
        const size_t channel = how.channels_last ? place % count : place / area;
        const size_t pixel = how.channels_last ? place / count : place % area;
        const size_t row = top + pixel / how.columns, column = left + pixel % how.columns;
        const size_t from = how.channels == "BGR" ? count - 1 - channel : channel;
        const uint8_t value = photo.pixels[(row * photo.columns + column) * count + from];
        if (how.baked) {
            input[at++] = value;
            continue;
        }
        const float real = (float(value) / 255.0f - how.mean[channel]) / how.std[channel];
        if (spec.scale) {
            const float steps = std::nearbyint(real / spec.scale) + float(spec.zero_point);
            input[at++] = spec.type == "int8" ? uint8_t(int8_t(std::clamp(steps, -128.0f, 127.0f)))
                                              : uint8_t(std::clamp(steps, 0.0f, 255.0f));
        } else {
            std::memcpy(&input[at], &real, sizeof real);
            at += sizeof real;
        }
    }
    return input;
}

// ---- Stored values as real numbers ----

size_t bytes_of(const std::string& type) {
    if (type == "int8" || type == "uint8" || type == "bool") return 1;
    if (type == "int16" || type == "float16") return 2;
    return type == "int64" || type == "float64" ? 8 : 4;
}

template <typename Stored>
static std::vector<float> as_floats(const Bytes& bytes) {
    std::vector<Stored> values(bytes.size() / sizeof(Stored));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(Stored));
    return {values.begin(), values.end()};
}

std::vector<float> real(const Bytes& bytes, const Tensor& spec) {
    std::vector<float> values;
    if (spec.type == "float32") values = as_floats<float>(bytes);
    else if (spec.type == "float64") values = as_floats<double>(bytes);
    else if (spec.type == "int8") values = as_floats<int8_t>(bytes);
    else if (spec.type == "uint8" || spec.type == "bool") values = as_floats<uint8_t>(bytes);
    else if (spec.type == "int16") values = as_floats<int16_t>(bytes);
    else if (spec.type == "int32") values = as_floats<int32_t>(bytes);
    else if (spec.type == "int64") values = as_floats<int64_t>(bytes);
    else throw std::runtime_error("output " + spec.name + " holds " + spec.type + ", which this program does not read");
    if (spec.scale)
        for (float& value : values) value = (value - float(spec.zero_point)) * spec.scale;
    return values;
}

//@run

// ---- The command line ----

static Bytes read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("no such file: " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

static Bytes read_input(const std::string& path, const Tensor& spec) {
    const Bytes bytes = read(path);
    size_t size = bytes_of(spec.type);
    for (int64_t one : spec.shape) size *= size_t(one);
    if (bytes.size() != size)
        throw std::runtime_error(path + " has " + std::to_string(bytes.size()) + " bytes; input " + spec.name + " takes " +
                                 std::to_string(size));
    return bytes;
}

// A number of a header that may hold comments.
static int header_number(const Bytes& file, size_t& at) {
    while (at < file.size() && !std::isdigit(file[at])) {
        if (file[at] == '#') while (at < file.size() && file[at] != '\n') at++;
        else at++;
    }
    int number = 0;
    for (; at < file.size() && std::isdigit(file[at]); at++) number = 10 * number + (file[at] - '0');
    return number;
}

static Picture read_picture(const std::string& path) {
    const Bytes file = read(path);
    if (file.size() < 2 || file[0] != 'P' || (file[1] != '5' && file[1] != '6'))
        throw std::runtime_error(path + " is no .ppm or .pgm in binary form: convert it, or decode it in your program");
    size_t at = 2;
    const int columns = header_number(file, at), rows = header_number(file, at), most = header_number(file, at);
    Picture photo{rows, columns, file[1] == '6' ? 3 : 1, {}};
    const size_t size = size_t(rows) * columns * photo.channels;
    if (most != 255 || !size || file.size() < at + 1 + size) throw std::runtime_error(path + " is cut short, or not of bytes");
    photo.pixels.assign(file.begin() + at + 1, file.begin() + at + 1 + size);
    return photo;
}

static int check(const std::string& artifact) {
    std::vector<Bytes> inputs;
    for (size_t place = 0; place < kInputs.size(); place++)
        inputs.push_back(read_input(artifact + "/use/check_input_" + std::to_string(place) + ".bin", kInputs[place]));
    const auto made = run(artifact + "/" + kModel, inputs);
    for (size_t place = 0; place < made.size(); place++) {
        const auto exact = as_floats<float>(read(artifact + "/use/check_reference_" + std::to_string(place) + ".bin"));
        const auto values = real(made[place], kOutputs[place]);
        if (values.size() != exact.size()) throw std::runtime_error("output " + kOutputs[place].name + " has another size");
        double noise = 0, signal = 0;
        for (size_t at = 0; at < exact.size(); at++) {
            noise += std::pow(double(values[at]) - exact[at], 2);
            signal += std::pow(double(exact[at]), 2);
        }
        std::cout << kOutputs[place].name << ": " << 10 * std::log10(signal / noise) << " dB\n";
    }
    return 0;
}

static int classify(const std::string& artifact, const std::string& path) {
    if (!kHasPhoto) throw std::runtime_error("nobody said how a photo becomes this network's input: use --raw");
    const auto made = run(artifact + "/" + kModel, {photo_to_input(read_picture(path), kPhoto, kInputs[0])});
    const auto scores = real(made[0], kOutputs[0]);
    std::vector<std::string> names;
    std::ifstream labels(artifact + "/classes.txt");
    for (std::string line; std::getline(labels, line);) names.push_back(line);
    std::vector<size_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0);
    const size_t shown = std::min<size_t>(5, order.size());
    std::partial_sort(order.begin(), order.begin() + shown, order.end(),
                      [&](size_t one, size_t other) { return scores[one] > scores[other]; });
    for (size_t place = 0; place < shown; place++) {
        const size_t number = order[place];
        std::cout << scores[number] << "  " << (number < names.size() ? names[number] : "class " + std::to_string(number)) << "\n";
    }
    return 0;
}

static int raw(const std::string& artifact, const std::vector<std::string>& paths) {
    if (paths.size() != kInputs.size() + 1) throw std::runtime_error("--raw takes a file for each input, and a name for the outputs");
    std::vector<Bytes> inputs;
    for (size_t place = 0; place < kInputs.size(); place++) inputs.push_back(read_input(paths[place], kInputs[place]));
    const auto made = run(artifact + "/" + kModel, inputs);
    for (size_t place = 0; place < made.size(); place++) {
        const std::string path = paths.back() + "_" + std::to_string(place) + ".bin";
        std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(made[place].data()), made[place].size());
        std::cout << path << ": " << kOutputs[place].name << ", " << kOutputs[place].type << "\n";
    }
    return 0;
}

int main(int count, char** words) try {
    const std::vector<std::string> arguments(words + 1, words + count);
    if (arguments.size() == 2 && arguments[1] == "--check") return check(arguments[0]);
    if (arguments.size() > 2 && arguments[1] == "--raw") return raw(arguments[0], {arguments.begin() + 2, arguments.end()});
    if (arguments.size() == 2) return classify(arguments[0], arguments[1]);
    std::cerr << "use ARTIFACT photo.ppm | ARTIFACT --raw in_0.bin ... out | ARTIFACT --check\n";
    return 2;
} catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
}
