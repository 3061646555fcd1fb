/* Answers from SavedModels through TensorFlow's C API, as a server gets them: by tag and by names of tensors.

   Standard input holds jobs until it ends; standard output gets their answers. Numbers are int64, texts their length
   and their bytes, all in this machine's byte order.

     job     path of a SavedModel;  number of feeds, each: name, tensor;  number of fetches, each: name
     answer  one tensor for each fetch
     tensor  TF_DataType, rank, sizes, and the elements: float32, int32 or int64 as they are, or texts

   Jobs with the same path that follow each other share a session. */

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/tf_tstring.h"

enum { MAX_RANK = 8, MAX_TENSORS = 32, MAX_SIZE = 1 << 30 };

typedef struct {
  char *path; /* NULL: no model is open */
  TF_Graph *graph;
  TF_Session *session;
} Model;

static _Noreturn void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "run_saved_model: ");
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  va_end(arguments);
  exit(1);
}

static void check(const TF_Status *status, const char *path) {
  if (TF_GetCode(status) != TF_OK) fail("%s: %s", path, TF_Message(status));
}

/* --- what standard input holds */

static void read_bytes(void *into, size_t size) {
  if (fread(into, 1, size, stdin) != size) fail("the input ends within a job");
}

static int64_t read_number(const char *what, int64_t largest) {
  int64_t number;
  read_bytes(&number, sizeof number);
  if (number < 0 || number > largest) {
    fail("%s must be from 0 to %lld, received: %lld", what, (long long)largest, (long long)number);
  }
  return number;
}

/* Ends in a zero that is not part of its length. To be freed. */
static char *read_text(size_t *length) {
  *length = (size_t)read_number("the length of a text", MAX_SIZE);
  char *text = malloc(*length + 1);
  if (text == NULL) fail("no memory for a text of %zu bytes", *length);
  read_bytes(text, *length);
  text[*length] = '\0';
  return text;
}

static size_t element_size(TF_DataType type) {
  switch (type) {
    case TF_FLOAT:
    case TF_INT32:
      return 4;
    case TF_INT64:
      return 8;
    case TF_STRING:
      return sizeof(TF_TString);
    default:
      fail("a tensor must hold float32, int32, int64 or strings, received: TF_DataType %d", (int)type);
  }
}

static TF_Tensor *read_tensor(void) {
  TF_DataType type = (TF_DataType)read_number("TF_DataType", MAX_SIZE);
  int rank = (int)read_number("the rank", MAX_RANK);
  int64_t sizes[MAX_RANK], count = 1;
  for (int axis = 0; axis < rank; axis++) {
    sizes[axis] = read_number("a size", MAX_SIZE);
    count *= sizes[axis];
  }
  size_t bytes = (size_t)count * element_size(type);
  TF_Tensor *tensor = TF_AllocateTensor(type, sizes, rank, bytes);
  if (tensor == NULL) fail("no memory for a tensor of %zu bytes", bytes);
  if (type != TF_STRING) {
    read_bytes(TF_TensorData(tensor), bytes);
    return tensor;
  }
  TF_TString *strings = TF_TensorData(tensor);
  for (int64_t i = 0; i < count; i++) {
    size_t length;
    char *text = read_text(&length);
    TF_StringInit(&strings[i]);
    TF_StringCopy(&strings[i], text, length);
    free(text);
  }
  return tensor;
}

/* A tensor that read_tensor made; the strings that a session answers are its own. */
static void delete_tensor(TF_Tensor *tensor) {
  if (TF_TensorType(tensor) == TF_STRING) {
    TF_TString *strings = TF_TensorData(tensor);
    for (int64_t i = 0; i < TF_TensorElementCount(tensor); i++) TF_StringDealloc(&strings[i]);
  }
  TF_DeleteTensor(tensor);
}

/* --- what standard output gets */

static void write_bytes(const void *from, size_t size) {
  if (fwrite(from, 1, size, stdout) != size) fail("cannot write the answer");
}

static void write_number(int64_t number) { write_bytes(&number, sizeof number); }

static void write_tensor(const TF_Tensor *tensor) {
  TF_DataType type = TF_TensorType(tensor);
  int64_t count = TF_TensorElementCount(tensor);
  size_t bytes = (size_t)count * element_size(type);
  write_number(type);
  write_number(TF_NumDims(tensor));
  for (int axis = 0; axis < TF_NumDims(tensor); axis++) write_number(TF_Dim(tensor, axis));
  if (type != TF_STRING) {
    write_bytes(TF_TensorData(tensor), bytes);
    return;
  }
  const TF_TString *strings = TF_TensorData(tensor);
  for (int64_t i = 0; i < count; i++) {
    size_t length = TF_StringGetSize(&strings[i]);
    write_number((int64_t)length);
    write_bytes(TF_StringGetDataPointer(&strings[i]), length);
  }
}

/* --- models */

static void close_model(Model *model, TF_Status *status) {
  if (model->path == NULL) return;
  TF_CloseSession(model->session, status);
  check(status, model->path);
  TF_DeleteSession(model->session, status);
  check(status, model->path);
  TF_DeleteGraph(model->graph);
  free(model->path);
  model->path = NULL;
}

static void open_model(Model *model, char *path, TF_Status *status) {
  const char *tags[] = {"serve"};
  TF_SessionOptions *options = TF_NewSessionOptions();
  model->path = path;
  model->graph = TF_NewGraph();
  model->session = TF_LoadSessionFromSavedModel(options, NULL, path, tags, 1, model->graph, NULL, status);
  check(status, path);
  TF_DeleteSessionOptions(options);
}

/* The tensor of a name such as `serving_default_text:0`. */
static TF_Output read_name(const Model *model) {
  size_t length;
  char *name = read_text(&length);
  char *colon = strrchr(name, ':');
  if (colon == NULL) fail("%s: a tensor's name must end in a colon and a number, received: %s", model->path, name);
  *colon = '\0';
  TF_Output tensor = {TF_GraphOperationByName(model->graph, name), atoi(colon + 1)};
  if (tensor.oper == NULL || tensor.index < 0 || tensor.index >= TF_OperationNumOutputs(tensor.oper)) {
    fail("%s: the graph has no tensor %s:%s", model->path, name, colon + 1);
  }
  free(name);
  return tensor;
}

static void run_job(Model *model, TF_Status *status) {
  size_t length;
  char *path = read_text(&length);
  if (model->path != NULL && strcmp(path, model->path) == 0) {
    free(path);
  } else {
    close_model(model, status);
    open_model(model, path, status);
  }
  TF_Output inputs[MAX_TENSORS], outputs[MAX_TENSORS];
  TF_Tensor *feeds[MAX_TENSORS], *answers[MAX_TENSORS];
  int feed_count = (int)read_number("the number of feeds", MAX_TENSORS);
  for (int i = 0; i < feed_count; i++) {
    inputs[i] = read_name(model);
    feeds[i] = read_tensor();
  }
  int answer_count = (int)read_number("the number of fetches", MAX_TENSORS);
  for (int i = 0; i < answer_count; i++) outputs[i] = read_name(model);
  TF_SessionRun(model->session, NULL, inputs, feeds, feed_count, outputs, answers, answer_count, NULL, 0, NULL, status);
  check(status, model->path);
  for (int i = 0; i < answer_count; i++) {
    write_tensor(answers[i]);
    TF_DeleteTensor(answers[i]);
  }
  for (int i = 0; i < feed_count; i++) delete_tensor(feeds[i]); /* last: an answer may be a feed itself */
}

int main(void) {
  Model model = {NULL, NULL, NULL};
  TF_Status *status = TF_NewStatus();
  for (int next = getchar(); next != EOF; next = getchar()) {
    ungetc(next, stdin);
    run_job(&model, status);
  }
  close_model(&model, status);
  TF_DeleteStatus(status);
  if (fflush(stdout) != 0) fail("cannot write the answer");
  return 0;
}
