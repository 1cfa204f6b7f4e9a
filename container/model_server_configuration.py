"""Write multi-model-server's configuration: `python -m container.model_server_configuration FILE`.

By sagemaker-inference, as in any container that is made with it, from the environment. A process of
its own: the import reads the environment, and brings 40 MB that nothing else here has a use for.
"""

import sys
import warnings

if __name__ == "__main__":
    with warnings.catch_warnings():
        # sagemaker-inference imports pkg_resources, which announces its end.
        warnings.simplefilter("ignore", UserWarning)
        from sagemaker_inference import environment, model_server

    model_server.MMS_CONFIG_FILE = sys.argv[1]  # /etc/… by default, not everybody's to write
    try:
        model_server._create_model_server_config_file(environment.Environment())
    except ValueError as error:
        sys.exit(f"A SAGEMAKER_… variable is no number: {error}.")
