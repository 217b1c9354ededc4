// Every setting of Touchline, from one table.
//
// The table (src/base/options_table.c) drives command-line flags, environment names, config files, --help, the man
// page, shell completions and .env.performance. Precedence: flag > environment > config file > default.
#ifndef TOUCHLINE_OPTIONS_H
#define TOUCHLINE_OPTIONS_H

#include <stddef.h>

#include <touchline/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TL_PATH_SIZE = 1024 };

// Settings of a session. Legal only after tl_options_default(); read-only while a session uses a copy.
typedef struct TlOptions {
    // networks
    char player_model[TL_PATH_SIZE]; ///< ONNX file; empty = the shipped one
    char pitch_model[TL_PATH_SIZE];  ///< ONNX file; empty = the shipped one
    char backend[32];                ///< "auto", "openvino", "scripted"
    char device[32];                 ///< "auto", "cpu", "cuda" or "gpu:N"
    char cache_dir[TL_PATH_SIZE];    ///< compiled models; empty = XDG cache
    int batch_size;                  ///< BATCH_SIZE: frames per inference call, 0 = backend's best
    int img_size;                    ///< IMG_SIZE: longer side of the network input px, 0 = each model's own
    char quality[16];                ///< "normal" or "high": larger network input, every frame through the networks
    int frame_stride;                ///< FRAME_STRIDE: networks run on every n-th frame, 0 = auto by frame rate
    int pitch_stride;                ///< pitch network on every n-th key frame, 0 = auto
    double key_rate;                 ///< key frames per second of video while the stride is auto; not positive = 12.5
    int prefetch_frames;             ///< PREFETCH_FRAMES: bound of the decoded-frame queue
    double conf_threshold; ///< CONF_THRESHOLD 0..1; negative = per class from the model card, 0.7 of it where a track
                           ///< goes on
    double iou_threshold;  ///< non-maximum suppression, 0..1; negative = the model's own
    int per_class_nms;     ///< suppression within a class only, as evaluation tools do it
    int max_detections;    ///< MAX_DETECTIONS per frame
    int fast_mode;         ///< FAST_MODE: 1 = FAST_IMG_SIZE, stride 3, conf .40, 120 detections
    int fast_img_size;     ///< FAST_IMG_SIZE px
    int disable_tracking;  ///< DISABLE_TRACKING: boxes of key frames only, ids -1, no filling of boxes
    int skip_pitch;        ///< SKIP_PITCH: pitch network not even loaded
    double pitch_length_m; ///< 105
    double pitch_width_m;  ///< 68
    double time_budget_s;  ///< TIME_BUDGET_S: then the rest is filled by motion; not positive = never
    int threads;           ///< worker threads for everything, 0 = the cores that exist
    unsigned cpumask;      ///< instruction sets that kernels may use, see base/cpu.h; ~0 = all
    // input
    char frames[64];             ///< "A:B" source frame range [A,B), either side may be empty
    double processing_timeout_s; ///< hard stop of one clip
} TlOptions;

enum TlOptionType { TL_OPTION_INT, TL_OPTION_DOUBLE, TL_OPTION_BOOL, TL_OPTION_STRING, TL_OPTION_MASK };

// One row of the table. Strings are static.
typedef struct TlOptionDef {
    const char *flag;    ///< long flag without dashes, "frame-stride"
    const char *alias;   ///< second flag or NULL, "stride"
    const char *env;     ///< environment and config-file name, "FRAME_STRIDE"
    const char *group;   ///< heading in --help, "Networks"
    const char *value;   ///< how --help names the value, "N"; NULL for a switch
    const char *help;    ///< one sentence
    const char *deflt;   ///< default as text
    int type;            ///< enum TlOptionType
    double min, max;     ///< inclusive range of numbers; of a string: max length
    size_t offset;       ///< into TlOptions
    const char *choices; ///< "a|b|c" for strings with fixed values ("x:N" = x: and a number), NULL = free
    int speed_only;      ///< 1: changes how fast, never what; left out of tl_options_describe
} TlOptionDef;

// The table, ended by a row whose flag is NULL. Thread-safety: safe.
TL_API const TlOptionDef *tl_option_table(void);

// Fills in the defaults. Cannot fail.
TL_API void tl_options_default(TlOptions *options);

// Sets one option from text by flag, alias or environment name. An unknown name or a value out of range gives
// TL_EUSAGE and a sentence that names the option, its range and `origin` ("--stride", "environment", "file:line").
TL_API TL_NODISCARD int tl_options_set(TlOptions *options, const char *name, const char *value, const char *origin,
                                       TlDiag *diag);

// Reads KEY=VALUE lines: '#' comments (also after a blank behind a value), quotes, `export`, CRLF and BOM allowed.
// Unknown names that begin with TOUCHLINE_ are errors, others are left alone (the file may be shared).
TL_API TL_NODISCARD int tl_options_load_file(TlOptions *options, const char *path, TlDiag *diag);

// The same reader for names beyond the table: hands each NAME=value to `entry` ("file:line" in where) and stops at its
// first failure. tl_options_load_file is this with tl_options_take as entry.
typedef int TlConfigEntry(void *opaque, const char *name, const char *value, const char *where, TlDiag *diag);
TL_API TL_NODISCARD int tl_config_read(const char *path, TlConfigEntry *entry, void *opaque, TlDiag *diag);
// Sets an entry of a config file by the rules of tl_options_load_file. opaque: TlOptions.
TL_API TL_NODISCARD int tl_options_take(void *options, const char *name, const char *value, const char *where,
                                        TlDiag *diag);

// Takes every name of the table that is set and not empty in the environment.
TL_API TL_NODISCARD int tl_options_load_env(TlOptions *options, TlDiag *diag);

// Writes "NAME=value ..." of the settings that differ from the defaults and can change the answer, in table order: the
// same text for any number of threads. Values with blanks are quoted.
TL_API void tl_options_describe(const TlOptions *options, char *text, size_t size);

// For front ends with tables of their own. Sets the field of `object` that `def` describes. `subject` begins the
// sentence of a failure: "--size". Thread-safety: safe for different objects.
TL_API TL_NODISCARD int tl_option_set_field(const TlOptionDef *def, void *object, const char *value,
                                            const char *subject, TlDiag *diag);

// How many letters must be changed, inserted, dropped or swapped with a neighbour to turn one word into the other
// (optimal string alignment), for "did you mean". Words longer than 63 letters are infinitely far (INT_MAX).
TL_API int tl_option_distance(const char *a, const char *b);

#ifdef __cplusplus
}
#endif
#endif
