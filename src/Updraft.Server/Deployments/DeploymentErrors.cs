using Updraft.Server.Api;

namespace Updraft.Server.Deployments;

internal static class DeploymentErrors
{
    public static readonly ErrorCode DuplicateName = new("deployment_name_in_use", StatusCodes.Status400BadRequest,
        "Another Deployment of the Workspace has the name.",
        "Choose another name, or use the existing Deployment.");

    public static readonly ErrorCode Immutable = new("deployment_field_immutable", StatusCodes.Status400BadRequest,
        "The update would change the Workspace or the type of the Deployment, which never change, or the runtime of its image.",
        "Send the current value, or create a new Deployment. The runtime changes with the next image.");

    public static readonly ErrorCode UnknownRuntime = new("runtime_unknown", StatusCodes.Status400BadRequest,
        "No entry of 'Runtimes:Releases' includes the runtime version, and no Deployment or image has it.",
        "Use a version from the message, or add the version to the setting.");

    public static readonly ErrorCode CicdEnforced = new("setting_locked_by_cicd", StatusCodes.Status400BadRequest,
        "The update would change 'isDagDeployEnabled' while CI/CD is enforced.",
        "Set 'isCicdEnforced' to false in a first update, then change 'isDagDeployEnabled' in a second one.");

    public static readonly ErrorCode NotInDevelopmentMode = new("not_in_development_mode", StatusCodes.Status400BadRequest,
        "Only a Deployment in development mode can hibernate.",
        "Set 'isDevelopmentMode' of the Deployment to true.");
}
