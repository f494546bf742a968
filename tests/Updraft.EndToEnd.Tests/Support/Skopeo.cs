using System.Diagnostics;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>A client of image registries. It requests tokens as docker does, and it needs no daemon.</summary>
internal static class Skopeo
{
    /// <summary>Pushes a small image; returns whether the push succeeded, and the output of skopeo.</summary>
    public static async Task<(bool IsDone, string Output)> PushAsync(string image, string? token)
    {
        var layout = Directory.CreateTempSubdirectory("updraft-e2e-image-").FullName;
        try
        {
            OciImage.Write(layout);
            string[] credential = token is null ? ["--dest-no-creds"] : ["--dest-creds", $"cli:{token}"];
            return await RunAsync(["copy", "--dest-tls-verify=false", .. credential, $"oci:{layout}", $"docker://{image}"]);
        }
        finally
        {
            Directory.Delete(layout, recursive: true);
        }
    }

    /// <summary>Reads the manifest of an image; returns whether the request succeeded, and the output of skopeo.</summary>
    public static Task<(bool IsDone, string Output)> InspectAsync(string image, string? token)
    {
        string[] credential = token is null ? ["--no-creds"] : ["--creds", $"cli:{token}"];
        return RunAsync(["inspect", "--tls-verify=false", .. credential, $"docker://{image}"]);
    }

    /// <summary>Pulls an image with every layer; returns whether the pull succeeded, and the output of skopeo.</summary>
    public static async Task<(bool IsDone, string Output)> PullAsync(string image, string? token)
    {
        var layout = Directory.CreateTempSubdirectory("updraft-e2e-image-").FullName;
        try
        {
            string[] credential = token is null ? ["--src-no-creds"] : ["--src-creds", $"cli:{token}"];
            return await RunAsync(["copy", "--src-tls-verify=false", .. credential, $"docker://{image}", $"oci:{layout}"]);
        }
        finally
        {
            Directory.Delete(layout, recursive: true);
        }
    }

    private static async Task<(bool IsDone, string Output)> RunAsync(string[] arguments)
    {
        // The policy of the machine could require signatures, which test images do not have.
        using var skopeo = Process.Start(new ProcessStartInfo("skopeo", ["--insecure-policy", .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, errors) = (skopeo.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken),
            skopeo.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        await skopeo.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (skopeo.ExitCode == 0, await output + await errors);
    }
}
