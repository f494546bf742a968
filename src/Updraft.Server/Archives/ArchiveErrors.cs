using Updraft.Server.Api;

namespace Updraft.Server.Archives;

/// <summary>Errors of uploaded archives. Each message names the entry, the reason and the next step.</summary>
internal static class ArchiveErrors
{
    public static readonly ErrorCode InvalidArchive = new("invalid_archive", StatusCodes.Status400BadRequest,
        "The upload is not a tar archive, is damaged, or has an entry that Updraft does not accept.",
        "Correct the entry that the message names, pack the archive again, and upload it.");

    public static readonly ErrorCode LimitExceeded = new("archive_limit_exceeded", StatusCodes.Status400BadRequest,
        "The archive exceeds a limit of the section 'Archives', for example the number of files or the unpacked size.",
        "Remove files that Airflow does not need, or raise the setting that the message names.");

    public static readonly ErrorCode UnmountedFiles = new("unmounted_files", StatusCodes.Status400BadRequest,
        "The archive has files next to its directory 'dags', which agents do not mount, and the Deployment rejects such uploads.",
        "Move the files into 'dags' or into a non-DAG bundle, or set 'rejectUnmountedFiles' of the Deployment to false.");
}
