#include "agent/mail/delivery.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>
#include <uv.h>

#define PASSWORD_SIZE 256
#define MS UINT64_C(1000000)

/* How long a program may take, and how long anything may once the agent ends; milliseconds. */
#define PROGRAM_MS 30000
#define HURRY_MS 2000

/* How often it is looked whether there is a hurry. */
#define LOOK_MS 200

/* By a program. */

/* A program at work. */
struct program {
    pid_t pid;
    int handle, input; /* a pidfd, and the pipe to its standard input; -1: none */
    uint64_t end;      /* when its time is over (uv_hrtime()) */
    const atomic_bool *hurry;
};

/* Line ends as programs have them: sendmail(8) makes those of SMTP itself. */
static char *with_plain_ends(const char *message, size_t *size)
{
    char *text = malloc(strlen(message) + 1), *to = text;
    for (; text && *message; message++)
        if (*message != '\r')
            *to++ = *message;
    *size = text ? (size_t)(to - text) : 0;
    return text;
}

static int spawn(struct program *program, const char *path, char *const *words, int input)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, fresh;
    sigemptyset(&none);
    sigemptyset(&fresh);
    sigaddset(&fresh, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &fresh);
    int error = posix_spawn(&program->pid, path, &actions, &attributes, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static int begin(struct program *program, const struct mail_settings *settings,
                 char *const *addresses)
{
    size_t count = 0;
    int ends[2];
    while (addresses[count])
        count++;
    char *words[count + 6], **at = words;
    *at++ = settings->program;
    *at++ = (char *)"-i";
    *at++ = (char *)"-f";
    *at++ = settings->from;
    *at++ = (char *)"--";
    memcpy(at, addresses, (count + 1) * sizeof(*at));
    if (pipe2(ends, O_CLOEXEC))
        return errno;
    int error = spawn(program, settings->program, words, ends[0]);
    close(ends[0]);
    program->handle = error ? -1 : pidfd_open(program->pid, 0);
    program->input = ends[1];
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    return error;
}

/* Wait for a descriptor. @return Whether it is ready; else the time is over. */
static bool wait_for(const struct program *program, int fd, short events)
{
    struct pollfd watched = {.fd = fd, .events = events};
    uint64_t end = program->end;
    for (;;) {
        uint64_t now = uv_hrtime();
        if (atomic_load(program->hurry) && end > now + HURRY_MS * MS)
            end = now + HURRY_MS * MS;
        if (now >= end)
            return false;
        if (poll(&watched, 1, LOOK_MS) > 0)
            return true;
    }
}

/* One that does not read what it is given says by its exit status what became of the message. */
static bool feed(struct program *program, const char *text, size_t size)
{
    while (size) {
        ssize_t written = write(program->input, text, size);
        if (written < 0 && errno == EAGAIN && !wait_for(program, program->input, POLLOUT))
            return false;
        if (written < 0 && errno != EAGAIN && errno != EINTR)
            break;
        text += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    close(program->input);
    program->input = -1;
    return true;
}

static enum mail_result judge(const char *path, int status, char error[MAIL_ERROR_SIZE])
{
    if (WIFEXITED(status) && !WEXITSTATUS(status))
        return MAIL_SENT;
    if (WIFSIGNALED(status)) {
        snprintf(error, MAIL_ERROR_SIZE, "%s was ended by signal %d", path, WTERMSIG(status));
        return MAIL_LATER;
    }
    snprintf(error, MAIL_ERROR_SIZE, "%s ended with exit status %d", path, WEXITSTATUS(status));
    switch (WEXITSTATUS(status)) {
    case EX_DATAERR:
    case EX_NOUSER:
    case EX_NOHOST:
        return MAIL_REFUSED;
    default:
        return MAIL_LATER;
    }
}

static enum mail_result by_program(const struct mail_settings *settings, char *const *addresses,
                                   const char *message, const atomic_bool *hurry,
                                   char error[MAIL_ERROR_SIZE])
{
    struct program program = {
        .handle = -1, .input = -1, .end = uv_hrtime() + PROGRAM_MS * MS, .hurry = hurry};
    size_t size;
    int status = 0, failed = begin(&program, settings, addresses);
    if (failed) {
        snprintf(error, MAIL_ERROR_SIZE, "%s cannot be run: %s", settings->program,
                 strerror(failed));
        if (program.input >= 0)
            close(program.input);
        return MAIL_LATER;
    }
    char *text = with_plain_ends(message, &size);
    bool ended = text && feed(&program, text, size) && program.handle >= 0 &&
                 wait_for(&program, program.handle, POLLIN);
    free(text);
    if (program.input >= 0)
        close(program.input);
    if (!ended)
        kill(-program.pid, SIGKILL);
    while (waitpid(program.pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (program.handle >= 0)
        close(program.handle);
    if (ended)
        return judge(settings->program, status, error);
    snprintf(error, MAIL_ERROR_SIZE, "%s took too long and was ended", settings->program);
    return MAIL_LATER;
}

/* By SMTP. */

/* What of a message is still to be sent, and whether there is a hurry. */
struct upload {
    const char *text;
    size_t left;
    uint64_t hurried; /* since when (uv_hrtime()); 0: not */
    const atomic_bool *hurry;
};

/* What was said between the agent and the server. */
struct talk {
    bool logged_in;
    char recipient[MAIL_ERROR_SIZE]; /* the last command, if it named a recipient */
    char refused[MAIL_ERROR_SIZE];   /* the last recipient that was refused, and the answer */
};

/* Of commands only those that name a recipient are looked at: others hold a password. */
static int overhear(CURL *easy, curl_infotype kind, char *text, size_t size, void *arg)
{
    struct talk *talk = arg;
    int length = size < 100 ? (int)size : 100;
    bool names = size > 8 && !strncmp(text, "RCPT TO:", 8);
    if (kind == CURLINFO_HEADER_OUT)
        snprintf(talk->recipient, sizeof(talk->recipient), "%.*s", names ? length - 8 : 0,
                 names ? text + 8 : "");
    if (kind != CURLINFO_HEADER_IN || !size)
        return 0;
    talk->logged_in = talk->logged_in || (size > 3 && !strncmp(text, "235", 3));
    if ((*text == '4' || *text == '5') && *talk->recipient)
        snprintf(talk->refused, sizeof(talk->refused), "%.*s is refused: %.*s",
                 (int)strcspn(talk->recipient, "\r\n"), talk->recipient, length, text);
    talk->refused[strcspn(talk->refused, "\r\n")] = '\0';
    return 0;
}

static size_t give(char *buffer, size_t size, size_t count, void *arg)
{
    struct upload *upload = arg;
    size_t length = size * count < upload->left ? size * count : upload->left;
    memcpy(buffer, upload->text, length);
    upload->text += length;
    upload->left -= length;
    return length;
}

static int look(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct upload *upload = arg;
    if (!atomic_load(upload->hurry))
        return 0;
    if (!upload->hurried)
        upload->hurried = uv_hrtime();
    return uv_hrtime() - upload->hurried > HURRY_MS * MS;
}

/* @return Whether there is a password where one is needed. */
static bool set_login(CURL *easy, const struct mail_settings *settings, char error[MAIL_ERROR_SIZE])
{
    char password[PASSWORD_SIZE];
    if (settings->username)
        curl_easy_setopt(easy, CURLOPT_USERNAME, settings->username);
    if (!settings->username || !settings->password_file)
        return true;
    FILE *file = fopen(settings->password_file, "re");
    bool read = file && fgets(password, sizeof(password), file);
    if (file)
        fclose(file);
    if (!read) {
        snprintf(error, MAIL_ERROR_SIZE, "no password can be read from %s",
                 settings->password_file);
        return false;
    }
    password[strcspn(password, "\r\n")] = '\0';
    curl_easy_setopt(easy, CURLOPT_PASSWORD, password);
    explicit_bzero(password, sizeof(password));
    return true;
}

static void set_options(CURL *easy, const struct mail_settings *settings, struct upload *upload)
{
    curl_easy_setopt(easy, CURLOPT_URL, settings->url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)settings->timeout);
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, settings->from);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(easy, CURLOPT_READDATA, upload);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, look);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, upload);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, (long)settings->verify);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, settings->verify ? 2L : 0L);
    if (settings->tls != MAIL_TLS_NONE)
        curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    if (settings->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file);
}

/*
 * Where a login was wanted and the server offered none, a refusal is about the settings, which
 * somebody will mend: the message is kept.
 */
static enum mail_result judge_answer(const struct mail_settings *settings, const struct talk *talk,
                                     const char *words, long response, char error[MAIL_ERROR_SIZE])
{
    bool stranger = settings->username && !talk->logged_in && response >= 400;
    snprintf(error, MAIL_ERROR_SIZE, "%s%.110s%s%.80s",
             stranger ? "the server did not let the agent log in: " : "", words,
             *talk->refused ? "; " : "", talk->refused);
    return response >= 550 && response <= 599 && !stranger ? MAIL_REFUSED : MAIL_LATER;
}

static enum mail_result send_by(CURL *easy, const struct mail_settings *settings,
                                char error[MAIL_ERROR_SIZE])
{
    char words[CURL_ERROR_SIZE] = "";
    struct talk talk = {0};
    long response = 0;
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words);
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, overhear);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, &talk);
    CURLcode result = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &response);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 0L);
    if (result == CURLE_OK) {
        snprintf(error, MAIL_ERROR_SIZE, "%s", talk.refused);
        return MAIL_SENT;
    }
    return judge_answer(settings, &talk, *words ? words : curl_easy_strerror(result), response,
                        error);
}

static enum mail_result by_smtp(const struct mail_settings *settings, char *const *addresses,
                                const char *message, const atomic_bool *hurry,
                                char error[MAIL_ERROR_SIZE])
{
    struct upload upload = {.text = message, .left = strlen(message), .hurry = hurry};
    struct curl_slist *list = NULL;
    CURL *easy = curl_easy_init();
    enum mail_result result = MAIL_LATER;
    snprintf(error, MAIL_ERROR_SIZE, "there is no memory");
    if (!easy)
        return MAIL_LATER;
    for (; *addresses; addresses++) {
        struct curl_slist *longer = curl_slist_append(list, *addresses);
        if (!longer)
            goto out;
        list = longer;
    }
    set_options(easy, settings, &upload);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, list);
    if (set_login(easy, settings, error))
        result = send_by(easy, settings, error);
out:
    curl_easy_cleanup(easy);
    curl_slist_free_all(list);
    return result;
}

/* What a server says may be anything, and is shown in XML. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

enum mail_result mail_deliver(const struct mail_settings *settings, char *const *addresses,
                              const char *message, const atomic_bool *hurry,
                              char error[MAIL_ERROR_SIZE])
{
    enum mail_result result = settings->smtp
                                  ? by_smtp(settings, addresses, message, hurry, error)
                                  : by_program(settings, addresses, message, hurry, error);
    make_printable(error);
    return result;
}
