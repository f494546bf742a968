using System.Globalization;
using System.Security.Cryptography;

namespace Updraft.Server.Deployments;

/// <summary>Generates namespaces such as <c>steady-kite-4821</c>, which are legal as image path and as DNS label.</summary>
internal static class DeploymentNames
{
    private static readonly string[] Adjectives =
    [
        "amber", "brisk", "calm", "clear", "cobalt", "crisp", "distant", "eager", "early", "fair", "fresh", "gentle", "golden", "high",
        "keen", "lively", "lofty", "lucid", "mellow", "misty", "nimble", "open", "patient", "polar", "quiet", "rapid", "rising", "serene",
        "silver", "solar", "steady", "still", "sunny", "swift", "upper", "vivid", "warm", "western", "wide", "windy",
    ];

    private static readonly string[] Nouns =
    [
        "albatross", "altitude", "aurora", "balloon", "breeze", "buzzard", "cirrus", "cloud", "condor", "current", "eagle", "falcon",
        "feather", "glider", "gull", "halo", "harrier", "heron", "horizon", "jetstream", "kestrel", "kite", "lark", "lift", "meridian",
        "monsoon", "osprey", "petrel", "plume", "raven", "sail", "skylark", "squall", "stork", "stratus", "swallow", "thermal", "vane",
        "wing", "zephyr",
    ];

    /// <summary>A random namespace. The caller checks that it is unique.</summary>
    public static string NewNamespace() => string.Create(CultureInfo.InvariantCulture,
        $"{Pick(Adjectives)}-{Pick(Nouns)}-{RandomNumberGenerator.GetInt32(1000, 10_000)}");

    private static string Pick(string[] words) => words[RandomNumberGenerator.GetInt32(words.Length)];
}
