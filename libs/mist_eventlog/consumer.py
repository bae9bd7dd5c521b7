"""aiokafka's consumer as Mist reads with it."""
