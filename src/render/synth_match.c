// Simulated play: formations that shift with the ball, dribbling, passes along the ground and through the air,
// pressing, shots, keepers near their goals, a referee on the diagonal, assistants level with the last defender.
//
// Simple steering (seek with arrival, separation) in the manner of Reynolds 1999; no rules beyond what a viewer
// notices.
#include "render/synth_match.h"

#include <math.h>
#include <string.h>

#define LENGTH  ((double)TL_PITCH_LENGTH_M)
#define WIDTH   ((double)TL_PITCH_WIDTH_M)
#define GRAVITY 9.81

static double distance(const double a[2], const double b[2])
{
    return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]));
}

static double forwards(int team) // sign of the attack along x
{
    return team == 0 ? 1.0 : -1.0;
}

// Rows of the usual formations, defence first; other team sizes get rows of at most four.
static void set_formation(TlMatch *match, int team, int first, int count)
{
    static const int rows_of_ten[4][4] = {{4, 4, 2, 0}, {4, 3, 3, 0}, {3, 5, 2, 0}, {4, 2, 3, 1}};
    const int *rows = rows_of_ten[tl_random_int(&match->random, 4)];
    int even[4] = {(count + 2) / 3, (count + 1) / 3, count / 3, 0};
    if (count != 10)
        rows = even;
    int row_count = 0, at = first;
    for (int i = 0; i < 4; i++)
        row_count += rows[i] > 0;
    for (int i = 0, row = 0; i < 4; i++) {
        for (int k = 0; k < rows[i]; k++, at++) {
            TlAgent *agent = &match->agent[at];
            agent->team = team;
            agent->role = TL_ROLE_PLAYER;
            agent->home[0] = row_count > 1 ? row / (double)(row_count - 1) : 0.5;
            agent->home[1] = (k + 0.5) / rows[i];
            agent->home[0] += tl_random_normal(&match->random) * 0.05;
            agent->home[1] += tl_random_normal(&match->random) * 0.03;
        }
        row += rows[i] > 0;
    }
}

static void goal_of(const TlMatch *match, const TlAgent *agent, double out[2]);

void tl_match_init(TlMatch *match, unsigned seed, int players, int assistants)
{
    memset(match, 0, sizeof(*match));
    match->random = tl_random_stream(seed, 21);
    match->outfield = players;
    set_formation(match, 0, 0, (players + 1) / 2);
    set_formation(match, 1, (players + 1) / 2, players / 2);
    int n = players;
    for (int team = 0; team < 2; team++, n++) {
        match->keeper[team] = n;
        match->agent[n].role = TL_ROLE_KEEPER;
        match->agent[n].team = team;
    }
    match->referee = n;
    for (int i = 0; i < 1 + assistants; i++, n++) {
        match->agent[n].role = i == 0 ? TL_ROLE_REFEREE : TL_ROLE_ASSISTANT;
        match->agent[n].team = 2;
        match->agent[n].home[0] = i - 1; // assistant 0: far touchline, right half; 1: near touchline, left half
    }
    match->agent_count = n;
    match->ball[0] = tl_random_range(&match->random, 8, 97);
    match->ball[1] = tl_random_range(&match->random, 8, 60);
    match->owner = match->receiver = match->last_kicker = -1;
    for (int i = 0; i < n; i++) {
        TlAgent *agent = &match->agent[i];
        agent->top_speed = agent->role == TL_ROLE_PLAYER ? tl_random_range(&match->random, 7, 8.5) : 6.5;
        agent->stride = tl_random_range(&match->random, 0, 2 * TL_PI);
        goal_of(match, agent, agent->at);
        agent->heading = tl_random_range(&match->random, -TL_PI, TL_PI);
    }
    tl_match_step(match, 6.0); // so that the clip opens in the middle of play
}

// x of the last man but one of a team as the offside law sees it.
static double last_line(const TlMatch *match, int team)
{
    double line = team == 0 ? LENGTH : 0;
    for (int i = 0; i < match->outfield; i++) {
        const TlAgent *agent = &match->agent[i];
        if (agent->team == team)
            line = team == 0 ? fmin(line, agent->at[0]) : fmax(line, agent->at[0]);
    }
    return line;
}

static void goal_of_player(const TlMatch *match, const TlAgent *agent, double out[2])
{
    double sign = forwards(agent->team), own = agent->team == 0 ? 0 : LENGTH;
    double ball_depth = (match->ball[0] - own) * sign; // from the own goal
    int attacking = match->owner >= 0 && match->agent[match->owner].team == agent->team;
    // The block is 38 m deep, its back line between 14 m and the half-way line.
    double back = tl_clamp(ball_depth * 0.62 - 16 + (attacking ? 8 : 0), 13, 56);
    double depth = back + agent->home[0] * (attacking ? 40 : 33);
    double width = attacking ? 56 : 44;
    double centre = WIDTH / 2 + (match->ball[1] - WIDTH / 2) * (attacking ? 0.25 : 0.45);
    out[0] = own + sign * tl_clamp(depth, 4, LENGTH - 4) + agent->wander[0];
    out[1] = tl_clamp(centre + (agent->home[1] - 0.5) * width + agent->wander[1], 1.5, WIDTH - 1.5);
    if (agent->home[0] > 0.7) { // forwards stay onside
        double line = last_line(match, 1 - agent->team), offside = sign * fmax(sign * line, sign * match->ball[0]);
        if ((out[0] - offside) * sign > -0.5)
            out[0] = offside - sign * 0.5;
    }
}

static void goal_of(const TlMatch *match, const TlAgent *agent, double out[2])
{
    const double *ball = match->ball;
    if (agent->role == TL_ROLE_KEEPER) {
        double own = agent->team == 0 ? 0 : LENGTH, sign = forwards(agent->team);
        double depth = (ball[0] - own) * sign;
        double out_m = depth > 45 ? 9 : depth > 20 ? 4.5 : 1.6;
        out[0] = own + sign * out_m;
        out[1] = WIDTH / 2 + tl_clamp((ball[1] - WIDTH / 2) * out_m / fmax(depth, 4), -3.2, 3.2);
    } else if (agent->role == TL_ROLE_REFEREE) {
        // The diagonal system: some 12 m from play, towards the line from one corner to the other.
        double diagonal = WIDTH / 2 + (ball[0] - LENGTH / 2) * 0.35;
        double side = ball[1] > diagonal ? -1 : 1;
        out[0] = tl_clamp(ball[0] + (ball[0] < LENGTH / 2 ? 6 : -6) + agent->wander[0], 12, LENGTH - 12);
        out[1] = tl_clamp(ball[1] + side * 11 + agent->wander[1], 8, WIDTH - 8);
    } else if (agent->role == TL_ROLE_ASSISTANT) {
        int right = agent->home[0] < 0.5;
        double line = last_line(match, right ? 1 : 0);
        out[0] =
            right ? tl_clamp(fmax(line, ball[0]), LENGTH / 2, LENGTH) : tl_clamp(fmin(line, ball[0]), 0, LENGTH / 2);
        out[1] = right ? -0.9 : WIDTH + 0.9;
    } else {
        goal_of_player(match, agent, out);
    }
}

static void steer(TlMatch *match, int index, const double target[2], double urgency, double dt)
{
    TlAgent *agent = &match->agent[index];
    double dx = target[0] - agent->at[0], dy = target[1] - agent->at[1], far = sqrt(dx * dx + dy * dy);
    double pace = far < 0.4 ? 0 : fmin(agent->top_speed * urgency, 0.4 + far * 0.75);
    double want[2] = {far > 1e-6 ? dx / far * pace : 0, far > 1e-6 ? dy / far * pace : 0};
    for (int i = 0; i < match->agent_count; i++) { // nobody runs through anybody
        double apart = i == index ? 9 : distance(agent->at, match->agent[i].at);
        if (apart < 1.1 && apart > 1e-6)
            for (int k = 0; k < 2; k++)
                want[k] += (agent->at[k] - match->agent[i].at[k]) / apart * (1.1 - apart) * 4;
    }
    double wanted = sqrt(want[0] * want[0] + want[1] * want[1]), most_speed = agent->top_speed;
    for (int k = 0; k < 2 && wanted > most_speed; k++)
        want[k] *= most_speed / wanted;
    double change[2] = {want[0] - agent->speed[0], want[1] - agent->speed[1]};
    double size = sqrt(change[0] * change[0] + change[1] * change[1]), most = 6.5 * dt;
    for (int k = 0; k < 2; k++) {
        agent->speed[k] += size > most ? change[k] / size * most : change[k];
        agent->at[k] += agent->speed[k] * dt;
    }
    double speed = sqrt(agent->speed[0] * agent->speed[0] + agent->speed[1] * agent->speed[1]);
    double facing = speed > 1.6 ? tl_atan2(agent->speed[1], agent->speed[0])
                                : tl_atan2(match->ball[1] - agent->at[1], match->ball[0] - agent->at[0]);
    double turn = facing - agent->heading;
    turn -= 2 * TL_PI * floor(turn / (2 * TL_PI) + 0.5);
    agent->heading += tl_clamp(turn, -7 * dt, 7 * dt);
    // Two steps take 1.4 m walking and 4 m sprinting.
    agent->stride += 2 * TL_PI * speed / (0.95 + 0.40 * speed) * dt;
    agent->kick = fmax(0, agent->kick - 3 * dt);
}

static int nearest(const TlMatch *match, const double at[2], int team, int besides)
{
    int best = -1;
    double least = 1e9;
    for (int i = 0; i < match->outfield; i++) {
        double d = distance(match->agent[i].at, at);
        if (match->agent[i].team == team && i != besides && d < least) {
            least = d;
            best = i;
        }
    }
    return best;
}

static void kick(TlMatch *match, int from, const double target[2], double pace, double loft)
{
    double d = fmax(distance(match->ball, target), 0.1);
    for (int k = 0; k < 2; k++)
        match->ball_speed[k] = (target[k] - match->ball[k]) / d * pace;
    match->ball_speed[2] = loft;
    match->agent[from].kick = 1;
    match->last_kicker = from;
    match->owner = -1;
    match->flight_s = 0;
}

// The best mate to play to: free, ahead, neither too near nor too far.
static int choose_receiver(TlMatch *match, int from)
{
    const TlAgent *agent = &match->agent[from];
    int best = -1;
    double most = -1e9;
    for (int i = 0; i < match->outfield; i++) {
        const TlAgent *mate = &match->agent[i];
        if (mate->team != agent->team || i == from)
            continue;
        double d = distance(agent->at, mate->at), ahead = (mate->at[0] - agent->at[0]) * forwards(agent->team);
        int marker = nearest(match, mate->at, 1 - agent->team, -1);
        double room = marker >= 0 ? fmin(distance(match->agent[marker].at, mate->at), 8) : 8;
        double value = ahead * 0.12 + room * 0.7 - fabs(d - 16) * 0.22 + tl_random_normal(&match->random) * 2.2;
        if (value > most) {
            most = value;
            best = i;
        }
    }
    return best;
}

static void play_ball(TlMatch *match)
{
    int from = match->owner;
    TlAgent *agent = &match->agent[from];
    double sign = forwards(agent->team);
    double goal[2] = {agent->team == 0 ? LENGTH : 0, WIDTH / 2 + tl_random_normal(&match->random) * 3.2};
    if (agent->role == TL_ROLE_PLAYER && distance(agent->at, goal) < 24 && tl_random_chance(&match->random, 0.7)) {
        match->receiver = -1;
        double pace = tl_random_range(&match->random, 19, 27), loft = tl_random_range(&match->random, 0, 3.5);
        kick(match, from, goal, pace, loft);
        return;
    }
    int to = choose_receiver(match, from);
    if (to < 0) {
        match->hold_s = 1;
        return;
    }
    const TlAgent *mate = &match->agent[to];
    double d = distance(agent->at, mate->at), high = d > 24 || tl_random_chance(&match->random, 0.12);
    double time = high ? fmax(0.9, d / 19) : d / 13;
    double target[2] = {mate->at[0] + mate->speed[0] * time * 0.7 + sign * 1.0,
                        mate->at[1] + mate->speed[1] * time * 0.7};
    target[0] = tl_clamp(target[0], 1, LENGTH - 1);
    target[1] = tl_clamp(target[1], 1, WIDTH - 1);
    d = distance(match->ball, target);
    match->receiver = to;
    if (high)
        kick(match, from, target, d / time, GRAVITY * time * 0.5);
    else
        kick(match, from, target, tl_clamp(5 + d * 0.62, 8, 20), 0);
}

static void move_ball(TlMatch *match, double dt)
{
    double *ball = match->ball, *speed = match->ball_speed;
    if (match->owner >= 0) {
        // Pushed ahead with every other step.
        const TlAgent *agent = &match->agent[match->owner];
        double reach = 0.55 + 0.35 * (0.5 + 0.5 * tl_sin(agent->stride * 0.5));
        double to[2] = {agent->at[0] + tl_cos(agent->heading) * reach, agent->at[1] + tl_sin(agent->heading) * reach};
        for (int k = 0; k < 2; k++) {
            double moved = (to[k] - ball[k]) * fmin(1, 9 * dt);
            ball[k] += moved;
            speed[k] = moved / dt;
        }
        ball[2] = speed[2] = 0;
    } else {
        double pace = sqrt(speed[0] * speed[0] + speed[1] * speed[1]), drag = ball[2] > 0.02 ? 0.6 : 2.2;
        double keep = pace > 1e-6 ? fmax(0, 1 - drag * dt / pace) : 0;
        for (int k = 0; k < 2; k++) {
            speed[k] *= keep;
            ball[k] += speed[k] * dt;
        }
        ball[2] += speed[2] * dt;
        speed[2] -= GRAVITY * dt;
        if (ball[2] <= 0) {
            ball[2] = 0;
            speed[2] = speed[2] < -1.2 ? -speed[2] * 0.5 : 0;
        }
        match->flight_s += dt;
    }
    match->ball_turn += sqrt(speed[0] * speed[0] + speed[1] * speed[1]) * dt / 0.11;
    // The net and the boards stop it.
    if (ball[0] < -1.7 || ball[0] > LENGTH + 1.7 || ball[1] < -2.5 || ball[1] > WIDTH + 2.5) {
        for (int k = 0; k < 2; k++)
            speed[k] *= 1 - fmin(1, 12 * dt);
    }
}

static void take(TlMatch *match, int index)
{
    match->owner = index;
    match->receiver = -1;
    match->hold_s = match->agent[index].role == TL_ROLE_KEEPER ? tl_random_range(&match->random, 1.2, 2.2)
                                                               : tl_random_range(&match->random, 0.4, 2.6);
}

// Whoever reaches a loose ball has it; out of play it comes back after a moment.
static void decide_owner(TlMatch *match, double dt)
{
    double *ball = match->ball;
    int out = ball[0] < 0 || ball[0] > LENGTH || ball[1] < 0 || ball[1] > WIDTH;
    if (match->owner < 0 && out) {
        match->dead_s += dt;
        if (match->dead_s > 1.6) {
            int keeper = match->keeper[ball[0] < LENGTH / 2 ? 0 : 1];
            int wide = ball[1] < 0 || ball[1] > WIDTH;
            int taker = wide && match->last_kicker >= 0
                            ? nearest(match, ball, 1 - match->agent[match->last_kicker].team, -1)
                            : keeper;
            taker = taker < 0 ? keeper : taker;
            if (wide && taker != keeper) // a throw-in: the taker has walked to the line meanwhile
                ball[1] = ball[1] < 0 ? 0.2 : WIDTH - 0.2;
            ball[0] = tl_clamp(ball[0], 0.2, LENGTH - 0.2);
            if (taker == keeper)
                memcpy(ball, match->agent[keeper].at, 2 * sizeof(double));
            match->dead_s = 0;
            memset(match->ball_speed, 0, sizeof(match->ball_speed));
            if (distance(match->agent[taker].at, ball) < 2.5)
                take(match, taker);
        }
        return;
    }
    match->dead_s = 0;
    if (match->owner >= 0) {
        const TlAgent *agent = &match->agent[match->owner];
        int rival = nearest(match, ball, 1 - agent->team, -1);
        if (agent->role == TL_ROLE_PLAYER && rival >= 0 && distance(match->agent[rival].at, ball) < 0.8 &&
            tl_random_chance(&match->random, 0.9 * dt))
            take(match, rival);
        return;
    }
    double pace = sqrt(match->ball_speed[0] * match->ball_speed[0] + match->ball_speed[1] * match->ball_speed[1]);
    for (int i = 0; i < match->outfield + 2; i++) {
        if ((i == match->last_kicker && match->flight_s < 0.6) || ball[2] > 1.5)
            continue;
        double reach = match->agent[i].role == TL_ROLE_KEEPER ? 1.4 : i == match->receiver ? 1.1 : 0.75;
        double sure = i == match->receiver || match->agent[i].role == TL_ROLE_KEEPER ? 20 : pace > 14 ? 1.5 : 7;
        if (distance(match->agent[i].at, ball) < reach && tl_random_chance(&match->random, sure * dt)) {
            take(match, i);
            return;
        }
    }
}

static void run_agent(TlMatch *match, int i, const int chaser[2], double dt)
{
    TlAgent *agent = &match->agent[i];
    double target[2], urgency = 0.62;
    for (int k = 0; k < 2; k++)
        agent->wander[k] += (tl_random_normal(&match->random) * 2.6 - agent->wander[k] * 0.25) * dt;
    goal_of(match, agent, target);
    int own_ball = match->owner >= 0 && match->agent[match->owner].team == agent->team;
    if (i == match->owner && agent->role == TL_ROLE_PLAYER) {
        target[0] = agent->team == 0 ? LENGTH - 4 : 4;
        target[1] = agent->at[1] + (WIDTH / 2 - agent->at[1]) * 0.35 + agent->wander[1] * 3;
        urgency = 0.66;
    } else if (i == match->receiver ||
               (agent->role == TL_ROLE_PLAYER && agent->team < 2 && i == chaser[agent->team] && !own_ball)) {
        double ahead = match->owner < 0 ? 0.45 : 0.15;
        for (int k = 0; k < 2; k++)
            target[k] = match->ball[k] + match->ball_speed[k] * ahead;
        urgency = 0.95;
    } else if (agent->role == TL_ROLE_KEEPER && match->owner < 0) {
        double speed = match->ball_speed[0] * -forwards(agent->team);
        double gap = (agent->at[0] - match->ball[0]) / (match->ball_speed[0] != 0 ? match->ball_speed[0] : 1);
        if (speed > 8 && gap > 0 && gap < 1.2) { // a shot: across to where it will pass
            target[1] = WIDTH / 2 + tl_clamp(match->ball[1] + match->ball_speed[1] * gap - WIDTH / 2, -3.4, 3.4);
            urgency = 1;
        }
    }
    double away = distance(agent->at, target);
    steer(match, i, target, away > 14 ? fmax(urgency, 0.85) : urgency, dt);
}

static void small_step(TlMatch *match, double dt)
{
    int chaser[2] = {nearest(match, match->ball, 0, -1), nearest(match, match->ball, 1, -1)};
    for (int i = 0; i < match->agent_count; i++)
        run_agent(match, i, chaser, dt);
    if (match->owner >= 0) {
        match->hold_s -= dt;
        if (match->hold_s < 0)
            play_ball(match);
    }
    move_ball(match, dt);
    decide_owner(match, dt);
}

void tl_match_step(TlMatch *match, double dt)
{
    int steps = (int)ceil(dt / 0.02 - 1e-9);
    for (int i = 0; i < steps; i++)
        small_step(match, dt / steps);
}
