// C++: handles that close themselves, failures as exceptions.  raii WEIGHTS PICTURE...
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>
#include <yolo9.h>

namespace yolo9 {

struct error : std::runtime_error {
    error() : std::runtime_error(yolo9_error()), code(yolo9_error_code()) {}
    int code;
};

struct close {
    void operator()(yolo9_weights *w) const { yolo9_weights_close(w); }
    void operator()(yolo9_detector *d) const { yolo9_detector_close(d); }
};
using weights = std::unique_ptr<yolo9_weights, close>;
using detector = std::unique_ptr<yolo9_detector, close>;

weights open(const std::string &path)
{
    weights w(yolo9_weights_open(path.c_str(), nullptr));
    return w ? std::move(w) : throw error();
}

detector open(const weights &w, double confidence)
{
    yolo9_options options;
    yolo9_options_init(&options);
    options.confidence = confidence;
    detector d(yolo9_detector_open(w.get(), &options));
    return d ? std::move(d) : throw error();
}

std::vector<yolo9_detection> detect(const detector &d, const std::vector<char> &file)
{
    const yolo9_picture picture = yolo9_picture_encoded(file.data(), file.size());
    if (yolo9_detect(d.get(), &picture, 1) != YOLO9_OK)
        throw error();
    const yolo9_result *r = yolo9_detector_result(d.get(), 0);
    return std::vector<yolo9_detection>(r->detections, r->detections + r->count);
}

} // namespace yolo9

int main(int argc, char **argv)
{
    if (argc < 3) {
        std::fprintf(stderr, "usage: %s WEIGHTS PICTURE...\n", argv[0]);
        return 2;
    }
    try {
        const yolo9::weights weights = yolo9::open(argv[1]);
        const yolo9::detector detector = yolo9::open(weights, 0.25);
        for (int i = 2; i < argc; i++) {
            std::ifstream stream(argv[i], std::ios::binary);
            const std::vector<char> file{std::istreambuf_iterator<char>(stream), {}};
            for (const yolo9_detection &d : yolo9::detect(detector, file))
                std::printf("%s: %s %.3f  %.1f %.1f %.1f %.1f\n", argv[i],
                            yolo9_weights_class_name(weights.get(), d.class_index), double(d.score), double(d.x1),
                            double(d.y1), double(d.x2), double(d.y2));
        }
    } catch (const yolo9::error &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
