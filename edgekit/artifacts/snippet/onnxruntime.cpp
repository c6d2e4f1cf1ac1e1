//
// Build it with the package of ONNX Runtime for C and C++ (headers and libonnxruntime.so):
//     g++ -std=c++17 -O2 -I ORT/include use.cpp -L ORT/lib -lonnxruntime -o use
//@run
// ---- ONNX Runtime, on the CPU ----

#include <onnxruntime_cxx_api.h>

static ONNXTensorElementDataType element(const std::string& type) {
    if (type == "int8") return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8;
    if (type == "uint8") return ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8;
    if (type == "int16") return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16;
    if (type == "int32") return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32;
    if (type == "int64") return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
    if (type == "bool") return ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL;
    if (type == "float16") return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16;
    if (type == "float64") return ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE;
    return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
}

// Your program keeps environment and session: making them takes far longer than an inference.
std::vector<Bytes> run(const std::string& model, const std::vector<Bytes>& inputs) {
    Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "use");
    Ort::Session session(env, model.c_str(), Ort::SessionOptions{});
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    std::vector<const char*> taken, given;
    std::vector<Ort::Value> values;
    for (size_t place = 0; place < inputs.size(); place++) {
        const Tensor& spec = kInputs[place];
        taken.push_back(spec.name.c_str());
        values.push_back(Ort::Value::CreateTensor(memory, const_cast<uint8_t*>(inputs[place].data()), inputs[place].size(),
                                                  spec.shape.data(), spec.shape.size(), element(spec.type)));
    }
    for (const Tensor& spec : kOutputs) given.push_back(spec.name.c_str());
    const auto made = session.Run(Ort::RunOptions{nullptr}, taken.data(), values.data(), values.size(), given.data(), given.size());
    std::vector<Bytes> outputs;
    for (size_t place = 0; place < made.size(); place++) {
        const auto* from = static_cast<const uint8_t*>(made[place].GetTensorRawData());
        const size_t count = made[place].GetTensorTypeAndShapeInfo().GetElementCount();
        outputs.emplace_back(from, from + count * bytes_of(kOutputs[place].type));
    }
    return outputs;
}
