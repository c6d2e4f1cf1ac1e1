//
// Build it with libLiteRt.so of LiteRT 2.1 or later, which the Python package ai-edge-litert and the Android package
// both hold. The part of LiteRT's C interface that is used is declared below, so no headers are needed:
//     g++ -std=c++17 -O2 use.cpp -L LITERT -lLiteRt -o use
//@run
// ---- LiteRT, on the CPU ----

extern "C" {
typedef struct LiteRtEnvironmentT* LiteRtEnvironment;
typedef struct LiteRtModelT* LiteRtModel;
typedef struct LiteRtOptionsT* LiteRtOptions;
typedef struct LiteRtCompiledModelT* LiteRtCompiledModel;
typedef struct LiteRtSignatureT* LiteRtSignature;
typedef struct LiteRtTensorT* LiteRtTensor;
typedef struct LiteRtTensorBufferT* LiteRtTensorBuffer;
typedef struct LiteRtTensorBufferRequirementsT* LiteRtTensorBufferRequirements;
typedef struct {
    int element_type;
    unsigned int rank : 7, has_strides : 1;
    int32_t dimensions[8];
    uint32_t strides[8];
} LiteRtRankedTensorType;
int LiteRtCreateEnvironment(int count, const void* options, LiteRtEnvironment* made);
int LiteRtCreateModelFromFile(LiteRtEnvironment environment, const char* path, LiteRtModel* made);
int LiteRtCreateOptions(LiteRtOptions* made);
int LiteRtSetOptionsHardwareAccelerators(LiteRtOptions options, int accelerators);
int LiteRtCreateCompiledModel(LiteRtEnvironment, LiteRtModel, LiteRtOptions, LiteRtCompiledModel* made);
int LiteRtGetModelSignature(LiteRtModel model, size_t index, LiteRtSignature* found);
int LiteRtGetSignatureInputName(LiteRtSignature signature, size_t index, const char** found);
int LiteRtGetSignatureOutputName(LiteRtSignature signature, size_t index, const char** found);
int LiteRtGetSignatureInputTensorByIndex(LiteRtSignature signature, size_t index, LiteRtTensor* found);
int LiteRtGetSignatureOutputTensorByIndex(LiteRtSignature signature, size_t index, LiteRtTensor* found);
int LiteRtGetRankedTensorType(LiteRtTensor tensor, LiteRtRankedTensorType* found);
int LiteRtGetCompiledModelInputBufferRequirements(LiteRtCompiledModel, size_t signature, size_t index,
                                                  LiteRtTensorBufferRequirements* found);
int LiteRtGetCompiledModelOutputBufferRequirements(LiteRtCompiledModel, size_t signature, size_t index,
                                                   LiteRtTensorBufferRequirements* found);
int LiteRtCreateManagedTensorBufferFromRequirements(LiteRtEnvironment, const LiteRtRankedTensorType*,
                                                    LiteRtTensorBufferRequirements, LiteRtTensorBuffer* made);
int LiteRtGetTensorBufferPackedSize(LiteRtTensorBuffer buffer, size_t* bytes);
int LiteRtLockTensorBuffer(LiteRtTensorBuffer buffer, void** memory, int mode);
int LiteRtUnlockTensorBuffer(LiteRtTensorBuffer buffer);
int LiteRtRunCompiledModel(LiteRtCompiledModel, size_t signature, size_t count, LiteRtTensorBuffer* inputs,
                           size_t output_count, LiteRtTensorBuffer* outputs);
void LiteRtDestroyTensorBuffer(LiteRtTensorBuffer buffer);
void LiteRtDestroyCompiledModel(LiteRtCompiledModel model);
void LiteRtDestroyOptions(LiteRtOptions options);
void LiteRtDestroyModel(LiteRtModel model);
void LiteRtDestroyEnvironment(LiteRtEnvironment environment);
}

static const int kCpu = 1, kRead = 0, kWrite = 1;

static void must(int status, const char* what) {
    if (status) throw std::runtime_error(std::string("LiteRT could not ") + what + ": status " + std::to_string(status));
}

// The place of a tensor in the manifest's order: the file may list them in another.
static size_t place_of(const std::vector<Tensor>& specs, const char* name, size_t index) {
    for (size_t place = 0; place < specs.size(); place++)
        if (specs[place].name == name) return place;
    return index;
}

// Your program keeps all of this but the copying: making it takes far longer than an inference.
std::vector<Bytes> run(const std::string& path, const std::vector<Bytes>& inputs) {
    LiteRtEnvironment environment;
    LiteRtModel model;
    LiteRtOptions options;
    LiteRtCompiledModel compiled;
    LiteRtSignature signature;
    must(LiteRtCreateEnvironment(0, nullptr, &environment), "start");
    must(LiteRtCreateModelFromFile(environment, path.c_str(), &model), "read the file");
    must(LiteRtCreateOptions(&options), "make options");
    must(LiteRtSetOptionsHardwareAccelerators(options, kCpu), "choose the CPU");
    must(LiteRtCreateCompiledModel(environment, model, options, &compiled), "compile the model");
    must(LiteRtGetModelSignature(model, 0, &signature), "find the signature");
    std::vector<LiteRtTensorBuffer> taken(kInputs.size()), given(kOutputs.size());
    std::vector<size_t> order(kOutputs.size());
    const char* name;
    LiteRtTensor tensor;
    LiteRtRankedTensorType type;
    LiteRtTensorBufferRequirements needs;
    size_t size;
    void* memory;
    for (size_t index = 0; index < taken.size(); index++) {
        must(LiteRtGetSignatureInputName(signature, index, &name), "name an input");
        must(LiteRtGetSignatureInputTensorByIndex(signature, index, &tensor), "find an input");
        must(LiteRtGetRankedTensorType(tensor, &type), "read the type of an input");
        must(LiteRtGetCompiledModelInputBufferRequirements(compiled, 0, index, &needs), "size an input");
        must(LiteRtCreateManagedTensorBufferFromRequirements(environment, &type, needs, &taken[index]), "make an input");
        must(LiteRtGetTensorBufferPackedSize(taken[index], &size), "size an input");
        const Bytes& bytes = inputs[place_of(kInputs, name, index)];
        if (bytes.size() != size) throw std::runtime_error(std::string("input ") + name + " has another size");
        must(LiteRtLockTensorBuffer(taken[index], &memory, kWrite), "open an input");
        std::memcpy(memory, bytes.data(), size);
        must(LiteRtUnlockTensorBuffer(taken[index]), "close an input");
    }
    for (size_t index = 0; index < given.size(); index++) {
        must(LiteRtGetSignatureOutputName(signature, index, &name), "name an output");
        must(LiteRtGetSignatureOutputTensorByIndex(signature, index, &tensor), "find an output");
        must(LiteRtGetRankedTensorType(tensor, &type), "read the type of an output");
        must(LiteRtGetCompiledModelOutputBufferRequirements(compiled, 0, index, &needs), "size an output");
        must(LiteRtCreateManagedTensorBufferFromRequirements(environment, &type, needs, &given[index]), "make an output");
        order[index] = place_of(kOutputs, name, index);
    }
    must(LiteRtRunCompiledModel(compiled, 0, taken.size(), taken.data(), given.size(), given.data()), "run the model");
    std::vector<Bytes> outputs(kOutputs.size());
    for (size_t index = 0; index < given.size(); index++) {
        must(LiteRtGetTensorBufferPackedSize(given[index], &size), "size an output");
        must(LiteRtLockTensorBuffer(given[index], &memory, kRead), "open an output");
        outputs[order[index]].assign(static_cast<uint8_t*>(memory), static_cast<uint8_t*>(memory) + size);
        must(LiteRtUnlockTensorBuffer(given[index]), "close an output");
    }
    for (auto buffer : taken) LiteRtDestroyTensorBuffer(buffer);
    for (auto buffer : given) LiteRtDestroyTensorBuffer(buffer);
    LiteRtDestroyCompiledModel(compiled);
    LiteRtDestroyOptions(options);
    LiteRtDestroyModel(model);
    LiteRtDestroyEnvironment(environment);
    return outputs;
}
