// The library in one page: open a session, run a video through it, use every record.
//
//   cc count_players.c $(pkg-config --cflags --libs touchline) -o count_players
//   ./count_players match.mp4
//
// Prints, for every frame, how many people are on the pitch and where the ball is.
#include <stdio.h>

#include <touchline/session.h>

static void print_record(const TlRecord *record)
{
    int people = 0;
    const TlObject *ball = NULL;
    for (int i = 0; i < record->object_count; i++) {
        const TlObject *object = &record->objects[i];
        if (object->class_id == TL_CLASS_BALL)
            ball = object;
        else if (object->has_pitch)
            people++;
    }
    printf("frame %lld: %d on the pitch", (long long)record->frame, people);
    if (ball && ball->has_pitch)
        printf(", ball at %.1f m, %.1f m", ball->pitch[0], ball->pitch[1]);
    printf("\n");
}

int main(int argc, char **argv)
{
    static TlRecord record;
    TlOptions options;
    TlSession *session = NULL;
    TlDiag diag = {0};
    int ret;

    if (argc != 2) {
        fprintf(stderr, "usage: %s VIDEO\n", argv[0]);
        return 2;
    }
    tl_options_default(&options);
    ret = tl_options_load_env(&options, &diag);
    if (ret == 0)
        ret = tl_session_open(&session, &options, &diag);
    if (ret == 0)
        ret = tl_session_start(session, argv[1], &diag);
    while (ret == 0 && (ret = tl_session_next(session, &record, NULL, &diag)) == 0)
        print_record(&record);
    tl_session_close(&session);
    if (ret != TL_EOF) {
        fprintf(stderr, "%s: %s\n", tl_error_text(ret), diag.text);
        return 1;
    }
    return 0;
}
