using Updraft.Server.Api;

namespace Updraft.Server.Deploys.Bundles;

/// <summary>Errors of the bundles of a Deployment.</summary>
internal static class BundleErrors
{
    public static readonly ErrorCode BundleExists = new("bundle_exists", StatusCodes.Status400BadRequest,
        "The Deployment already has a bundle with the same name or mount path.",
        "Deploy to the existing bundle, or choose another name or mount path.");

    public static readonly ErrorCode AirflowTooOld = new("airflow_too_old", StatusCodes.Status400BadRequest,
        "Named DAG bundles need Airflow 3, and the Deployment runs an older Airflow.",
        "Deploy an image with Airflow 3, or use the default DAG bundle.");

    public static readonly ErrorCode DefaultBundle = new("default_bundle", StatusCodes.Status400BadRequest,
        "The default DAG bundle cannot be deleted.",
        "To remove its DAGs, finalize an IMAGE_AND_DAG deploy with an empty version.");

    public static readonly ErrorCode BundleInUse = new("bundle_in_use", StatusCodes.Status400BadRequest,
        "A non-DAG bundle uses this DAG bundle and no other one.",
        "Give the non-DAG bundle another DAG bundle with 'dagBundleIds', or delete it first.");

    public static readonly ErrorCode BundleDeleted = new("bundle_deleted", StatusCodes.Status400BadRequest,
        "The bundle was deleted.",
        "Create the bundle again, or deploy to its mount path.");

    public static readonly ErrorCode UnknownBundleVersion = new("unknown_bundle_version", StatusCodes.Status400BadRequest,
        "The bundle never had the version.",
        "Choose a version from the version history of the bundle.");
}
