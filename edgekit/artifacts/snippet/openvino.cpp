//
// Build it with OpenVINO's package for C++, or with the Python package, which has the same headers and library:
//     g++ -std=c++17 -O2 -I OPENVINO/include use.cpp -L OPENVINO/lib -lopenvino -o use
//@run
// ---- OpenVINO, on the CPU ----

#include <openvino/openvino.hpp>

// Your program keeps the compiled model and its request: compiling takes far longer than an inference.
std::vector<Bytes> run(const std::string& model, const std::vector<Bytes>& inputs) {
    ov::Core core;
    ov::CompiledModel compiled = core.compile_model(model, "CPU");
    ov::InferRequest request = compiled.create_infer_request();
    for (size_t place = 0; place < inputs.size(); place++) {
        const Tensor& spec = kInputs[place];
        const auto port = compiled.input(spec.name);
        ov::Tensor tensor(port.get_element_type(), ov::Shape(spec.shape.begin(), spec.shape.end()));
        std::memcpy(tensor.data(), inputs[place].data(), inputs[place].size());
        request.set_tensor(port, tensor);
    }
    request.infer();
    std::vector<Bytes> outputs;
    for (const Tensor& spec : kOutputs) {
        const ov::Tensor tensor = request.get_tensor(compiled.output(spec.name));
        const auto* from = static_cast<const uint8_t*>(tensor.data());
        outputs.emplace_back(from, from + tensor.get_byte_size());
    }
    return outputs;
}
